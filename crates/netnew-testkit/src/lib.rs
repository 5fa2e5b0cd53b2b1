//! Scenario language, simulator, slow oracle and failing file layer, for tests and the demo.
