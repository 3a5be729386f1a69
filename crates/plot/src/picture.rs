//! A picture: pixels in memory, drawn by plotters and encoded as PNG.

use std::{error::Error, sync::OnceLock};

use plotters::{
    coord::Shift,
    prelude::{BitMapBackend, DrawingArea, IntoDrawingArea as _, RGBColor, WHITE},
    style::{FontStyle, IntoFont as _, TextStyle, register_font},
};

static FONT: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");
const FAMILY: &str = "sans-serif";

/// The first colour of data.
pub const BLUE: RGBColor = RGBColor(31, 99, 168);
/// The second colour of data.
pub const ORANGE: RGBColor = RGBColor(214, 110, 26);
/// References and borders.
pub const GREY: RGBColor = RGBColor(130, 130, 130);

/// A white surface; coordinates are pixels from the upper left corner.
pub type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// What drawing returns: the errors of plotters have a type for each backend.
pub type DrawResult = Result<(), Box<dyn Error>>;

/// A picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The embedded font was refused.
    #[error("the font cannot be used")]
    Font,
    /// Drawing failed.
    #[error("the picture cannot be drawn: {0}")]
    Draw(String),
    /// Encoding failed.
    #[error("the picture cannot be encoded")]
    Encode(#[from] png::EncodingError),
}

/// Text of a size in pixels.
pub fn text(size: u32) -> TextStyle<'static> {
    (FAMILY, size).into_font().into()
}

/// Draws a picture of `size` pixels and returns it as PNG.
pub fn png(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> DrawResult) -> Result<Vec<u8>, PlotError> {
    load_font()?;
    let (width, height) = size;
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let failed = |error: Box<dyn Error>| PlotError::Draw(error.to_string());
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| failed(error.into()))?;
        draw(&area).map_err(failed)?;
        area.present().map_err(|error| failed(error.into()))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn load_font() -> Result<(), PlotError> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = *LOADED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, FONT).is_ok());
    if loaded { Ok(()) } else { Err(PlotError::Font) }
}

#[cfg(test)]
mod tests {
    use plotters::element::Text;

    use super::*;

    #[test]
    fn text_leaves_pixels_on_a_white_picture() {
        let size = (120, 40);
        let draw = |words: &'static str| {
            let bytes = png(size, |area| Ok(area.draw(&Text::new(words, (4, 4), text(20)))?));
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes.unwrap()))
                .read_info()
                .unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(reader.info().size(), size);
            pixels
        };
        assert!(draw("").iter().all(|&byte| byte == 255));
        assert!(draw("20 °C").iter().any(|&byte| byte < 128));
    }
}
