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

/// Colours of several series, apart also for people who see few colours (Okabe and Ito, 2008).
pub const PALETTE: [RGBColor; 8] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(100, 84, 172),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(110, 110, 110),
];

/// Anchors of the colour scale, from quiet to loud (after matplotlib's magma).
const SCALE: [RGBColor; 6] = [
    RGBColor(0, 0, 4),
    RGBColor(59, 15, 112),
    RGBColor(140, 41, 129),
    RGBColor(222, 73, 104),
    RGBColor(254, 159, 109),
    RGBColor(252, 253, 191),
];

/// Returns the colour of a brightness from 0 to 1, from black over violet and orange to a light yellow.
pub fn scale(brightness: f32) -> RGBColor {
    let place = brightness.clamp(0.0, 1.0) * (SCALE.len() - 1) as f32;
    let below = (place as usize).min(SCALE.len() - 2);
    let share = place - below as f32;
    let mix = |low: u8, high: u8| (f32::from(low) + (f32::from(high) - f32::from(low)) * share).round() as u8;
    let (low, high) = (SCALE[below], SCALE[below + 1]);
    RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

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
    // Charts are mostly flat: filters, which help with photographs, make them larger.
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
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
