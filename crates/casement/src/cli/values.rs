//! Values of flags, whose faults are told in words of the person who wrote them.

use std::{ffi::OsString, net::SocketAddr, ops::RangeInclusive, path::PathBuf, str::FromStr};

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::config;

/// A whole number.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "write a whole number, such as 5".to_owned())
}

/// How many rooms are simulated by one process, each with a connection of its own.
pub(super) fn rooms(text: &str) -> Result<usize, String> {
    within(0..=10_000)(text).map(|number| number as usize)
}

/// A whole number within bounds.
pub(super) fn within(bounds: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let (least, most) = (bounds.start(), bounds.end());
        number.ok_or_else(|| format!("write a whole number from {least} to {most}"))
    }
}

/// A number.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "write a number, such as 1.5".to_owned())
}

/// An address to listen on.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write IP:PORT, such as 127.0.0.1:8080".to_owned())
}

/// A path: of any bytes, and with a leading `~` for the home directory.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|text: OsString| match text.to_str() {
        Some(text) => config::path(text),
        None => Ok(text.into()),
    })
}

/// A stretch of calendar time.
pub(super) fn span(text: &str) -> Result<jiff::Span, String> {
    let span = text.parse().ok().filter(|span: &jiff::Span| span.is_positive());
    span.ok_or_else(|| "write a span such as 1h, 7d, 4w, 6mo or 1y".to_owned())
}

/// The size of a picture in pixels.
pub(super) fn picture_size(text: &str) -> Result<(u32, u32), String> {
    const SIDES: RangeInclusive<u32> = 400..=8_000;
    let length = |text: &str| text.parse().ok().filter(|side| SIDES.contains(side));
    let size = text
        .split_once('x')
        .and_then(|(width, height)| Some((length(width)?, length(height)?)));
    size.ok_or_else(|| {
        let (least, most) = (SIDES.start(), SIDES.end());
        format!("write WIDTHxHEIGHT, each from {least} to {most}, such as 1200x900")
    })
}
