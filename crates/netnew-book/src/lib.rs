//! The store: segments and a catalog, what was known when, one file layer.
