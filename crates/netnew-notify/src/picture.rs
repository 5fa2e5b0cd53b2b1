//! Drawings as pictures, for mail: clients do not show SVG. The font is compiled in, so a server needs none.

use netnew_chart::tokens::Theme;
use netnew_chart::{Frame, Spec, svg};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::{Arc, LazyLock};

/// Width of a drawing in a mail, in its own pixels; the picture has twice as many, for fine screens.
pub const WIDTH: u32 = 568;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    for set in [
        fontdb::Database::set_sans_serif_family,
        fontdb::Database::set_serif_family,
        fontdb::Database::set_monospace_family,
    ] {
        set(&mut fonts, "DejaVu Sans");
    }
    Arc::new(fonts)
});

/// A drawing as PNG on white.
///
/// # Errors
/// A drawing that would not be true, or that cannot be painted, in words.
pub fn png(spec: &Spec) -> Result<Vec<u8>, String> {
    let drawing = svg(spec, &Frame::standalone(WIDTH, Theme::Light)).map_err(|e| e.to_string())?;
    let options = Options { font_family: "DejaVu Sans".into(), fontdb: FONTS.clone(), ..Options::default() };
    let tree = Tree::from_str(&drawing, &options).map_err(|e| e.to_string())?;
    let size = tree.size().to_int_size().scale_by(2.0).ok_or("a drawing without a size")?;
    let mut map = Pixmap::new(size.width(), size.height()).ok_or("a drawing without a size")?;
    map.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(2.0, 2.0), &mut map.as_mut());
    map.encode_png().map_err(|e| e.to_string())
}
