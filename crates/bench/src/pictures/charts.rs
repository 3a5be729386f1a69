//! The panels that are no lines: single values, bars, states and tables.

use std::collections::BTreeMap;

use plot::{
    Area, BLUE, DrawResult, GREY, TimeAxis,
    plotters::{
        element::{Rectangle, Text},
        prelude::{Color as _, RGBColor},
    },
    short, text,
};

use super::{
    answer::{Answer, Kind, number, said},
    dashboard::{Panel, Unit},
};

const TITLE: i32 = 28;
const LINE: i32 = 17;
const LEFT: i32 = 10;
/// About the width of a character of size 13.
const CHARACTER: usize = 7;
/// The longest text of a cell, in characters.
const CELL: usize = 40;
const TRACK: RGBColor = RGBColor(232, 232, 232);
/// Online, offline, silent.
const STATES: [(f64, RGBColor); 3] = [
    (1.0, RGBColor(86, 166, 75)),
    (0.0, RGBColor(200, 60, 60)),
    (-1.0, RGBColor(190, 190, 190)),
];

fn head(area: &Area<'_>, title: &str) -> DrawResult {
    area.draw(&Text::new(title.to_owned(), (LEFT, 4), text(15)))?;
    Ok(())
}

/// Writes a value with its unit.
pub(super) fn written(value: f64, unit: &Unit) -> String {
    if !value.is_finite() {
        return "no data".to_owned();
    }
    let number = short(value * unit.factor);
    match number.strip_suffix(['k', 'M', 'G']) {
        // The prefix belongs to the unit.
        Some(digits) => format!("{digits} {}{}", &number[digits.len()..], unit.name),
        None if unit.name.is_empty() || unit.name == "%" => format!("{number}{}", unit.name),
        None => format!("{number} {}", unit.name),
    }
}

/// Each column of the first row, large.
pub(super) fn stat(area: &Area<'_>, title: &str, unit: &Unit, answer: &Answer) -> DrawResult {
    head(area, title)?;
    let (width, height) = area.dim_in_pixel();
    let columns = answer.of(Kind::Number);
    let row = answer.rows.first();
    let wide = width as i32 / columns.len().max(1) as i32;
    for (place, &column) in (0..).zip(&columns) {
        let value = row.map_or(f64::NAN, |row| number(&row[column]));
        let (left, middle) = (LEFT + place * wide, height as i32 / 2);
        area.draw(&Text::new(
            written(value, unit),
            (left, middle - 8),
            text(24).color(&BLUE),
        ))?;
        let name = answer.columns[column].0.replace('_', " ");
        area.draw(&Text::new(name, (left, middle + 20), text(12).color(&GREY)))?;
    }
    Ok(())
}

/// A bar to the right for each row: its text and its number.
pub(super) fn gauges(area: &Area<'_>, title: &str, panel: &Panel, answer: &Answer) -> DrawResult {
    head(area, title)?;
    let (width, height) = area.dim_in_pixel();
    let (Some(&name), Some(&value)) = (answer.of(Kind::Text).first(), answer.of(Kind::Number).first()) else {
        return Ok(());
    };
    let (low, high) = panel.range.unwrap_or((0.0, 100.0));
    let (left, right) = (110, width as i32 - 70);
    let step = ((height as i32 - TITLE - 8) / answer.rows.len().max(1) as i32).min(34);
    for (place, row) in (0..).zip(&answer.rows) {
        let top = TITLE + place * step;
        let is = number(&row[value]);
        let share = ((is * panel.unit.factor - low) / (high - low)).clamp(0.0, 1.0);
        let end = left + (f64::from(right - left) * share) as i32;
        let bottom = top + (step - 6).max(4);
        area.draw(&Text::new(said(&row[name]), (LEFT, top + 3), text(12)))?;
        area.draw(&Rectangle::new([(left, top), (right, bottom)], TRACK.filled()))?;
        area.draw(&Rectangle::new([(left, top), (end, bottom)], BLUE.filled()))?;
        area.draw(&Text::new(
            written(is, &panel.unit),
            (right + 8, top + 3),
            text(12),
        ))?;
    }
    Ok(())
}

/// An upright bar for each row: its text and its number.
pub(super) fn bars(area: &Area<'_>, title: &str, answer: &Answer) -> DrawResult {
    let (Some(&name), Some(&value)) = (answer.of(Kind::Text).first(), answer.of(Kind::Number).first()) else {
        return head(area, title);
    };
    let highest = answer
        .rows
        .iter()
        .map(|row| number(&row[value]))
        .fold(0.0, f64::max);
    head(
        area,
        &format!("{title}: {}, up to {}", answer.columns[value].0, short(highest)),
    )?;
    let (width, height) = area.dim_in_pixel();
    let (bottom, count) = (height as i32 - 26, answer.rows.len().max(1));
    let wide = f64::from(width as i32 - 2 * LEFT) / count as f64;
    for (place, row) in answer.rows.iter().enumerate() {
        let left = LEFT + (wide * place as f64) as i32;
        let share = (number(&row[value]) / highest.max(1.0)).clamp(0.0, 1.0);
        let top = bottom - (f64::from(bottom - TITLE) * share) as i32;
        area.draw(&Rectangle::new(
            [(left, top), (left + (wide * 0.9) as i32, bottom)],
            BLUE.filled(),
        ))?;
        if place % count.div_ceil(10) == 0 {
            area.draw(&Text::new(said(&row[name]), (left, bottom + 5), text(12)))?;
        }
    }
    Ok(())
}

/// What each label was, from one row to the next.
pub(super) fn states(area: &Area<'_>, title: &str, time: &TimeAxis, answer: &Answer) -> DrawResult {
    head(area, &format!("{title}: online green, offline red, silent grey"))?;
    let (width, height) = area.dim_in_pixel();
    let (Some(&at), Some(&name), Some(&value)) = (
        answer.of(Kind::Time).first(),
        answer.of(Kind::Text).first(),
        answer.of(Kind::Number).first(),
    ) else {
        return Ok(());
    };
    let mut devices: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for row in &answer.rows {
        let state = (number(&row[at]) * 1_000.0, number(&row[value]));
        devices.entry(said(&row[name])).or_default().push(state);
    }
    let (left, right) = (110, width as i32 - LEFT);
    let place = |time_ms: f64| {
        let share = ((time_ms - time.from) / (time.to - time.from)).clamp(0.0, 1.0);
        left + (f64::from(right - left) * share) as i32
    };
    let step = ((height as i32 - TITLE - 28) / devices.len().max(1) as i32).min(40);
    for (number, (device, states)) in (0..).zip(&devices) {
        let top = TITLE + number * step;
        area.draw(&Text::new(device.clone(), (LEFT, top + 4), text(12)))?;
        for (index, (begin, state)) in states.iter().enumerate() {
            let end = states.get(index + 1).map_or(time.to, |next| next.0);
            let Some((_, colour)) = STATES.iter().find(|(is, _)| (is - state).abs() < 0.5) else {
                continue;
            };
            let corners = [(place(*begin), top), (place(end), top + step - 8)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
    }
    for (at, label) in &time.ticks {
        area.draw(&Text::new(
            label.clone(),
            (place(*at) - 14, height as i32 - 20),
            text(12),
        ))?;
    }
    Ok(())
}

/// Columns with their names, and as many rows as there is room for.
pub(super) fn table(area: &Area<'_>, title: &str, answer: &Answer) -> DrawResult {
    let (width, height) = area.dim_in_pixel();
    let room = ((height as i32 - TITLE - LINE - 4) / LINE).max(0) as usize;
    let more = if answer.rows.len() > room {
        format!(": the first {room} of {} rows", answer.rows.len())
    } else if answer.rows.is_empty() {
        ": no data".to_owned()
    } else {
        String::new()
    };
    head(area, &format!("{title}{more}"))?;
    let shown: Vec<Vec<String>> = answer
        .rows
        .iter()
        .take(room)
        .map(|row| cells(answer, row))
        .collect();
    let names = answer.columns.iter().map(|(name, _)| name.replace('_', " "));
    let wanted: Vec<usize> = names
        .clone()
        .enumerate()
        .map(|(column, name)| {
            shown
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
                .max(name.chars().count())
                + 2
        })
        .collect();
    let total = wanted.iter().sum::<usize>().max(1) * CHARACTER;
    // Wide tables are squeezed: texts end where the next column begins.
    let squeeze = (f64::from(width as i32 - 2 * LEFT) / total as f64).min(1.6);
    let mut left = f64::from(LEFT);
    for (column, name) in names.enumerate() {
        let wide = (wanted[column] * CHARACTER) as f64 * squeeze;
        let most = (wide / CHARACTER as f64) as usize;
        area.draw(&Text::new(
            cut(&name, most),
            (left as i32, TITLE),
            text(12).color(&GREY),
        ))?;
        for (place, row) in (1..).zip(&shown) {
            area.draw(&Text::new(
                cut(&row[column], most),
                (left as i32, TITLE + place * LINE),
                text(12),
            ))?;
        }
        left += wide;
    }
    Ok(())
}

fn cells(answer: &Answer, row: &[serde_json::Value]) -> Vec<String> {
    let cell = |(value, (_, kind)): (&serde_json::Value, &(String, Kind))| match kind {
        Kind::Text => cut(&said(value), CELL),
        Kind::Number if value.is_null() => String::new(),
        Kind::Number => short(number(value)),
        Kind::Time => jiff::Timestamp::from_second(number(value) as i64)
            .map(|time| time.strftime("%m-%d %H:%M:%S").to_string())
            .unwrap_or_default(),
    };
    row.iter().zip(&answer.columns).map(cell).collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
