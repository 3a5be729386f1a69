//! The table, the JSON lines and the picture of the controllers.

use std::io::{self, Write};

use plot::{
    Area, DrawResult, GREY, PALETTE, PlotError,
    plotters::{
        element::{Rectangle, Text},
        prelude::Color as _,
    },
    png, text,
};
use serde_json::{Value, json};

use super::{
    SEASONS,
    controllers::KINDS,
    tally::{Sums, Tally},
};

/// The picture's size, and what a bar takes of it.
const SIZE: (u32, u32) = (1_200, 760);
const BAR: i32 = 24;
const NAMES: i32 = 190;
const VALUES: i32 = 70;

/// Figures of one line: comfort %, degree hours a week too warm and too cold, hours a week damp, noisy and rained on, moves and
/// points of travel a day.
fn figures(sums: &Sums) -> [(&'static str, f64); 8] {
    [
        ("comfort_percent", sums.comfort_percent()),
        ("overheating_degree_hours", sums.hours_a_week(sums.too_warm)),
        ("cold_degree_hours", sums.hours_a_week(sums.too_cold)),
        ("damp_hours", sums.hours_a_week(sums.damp)),
        ("noise_hours", sums.hours_a_week(sums.noisy)),
        ("rain_hours_open", sums.hours_a_week(sums.rained_on)),
        ("moves_a_day", sums.a_day(sums.moves)),
        ("travel_a_day", sums.a_day(sums.travel)),
    ]
}

pub(super) fn print(head: &str, tallies: &[Tally], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        for (kind, tally) in KINDS.iter().zip(tallies) {
            let mut line = object(&tally.all);
            line["controller"] = kind.name.into();
            line["worst_room_comfort_percent"] = tally.worst_room.into();
            let seasons = SEASONS.iter().zip(&tally.by_season);
            line["seasons"] = seasons
                .map(|((name, _), sums)| ((*name).to_owned(), object(sums)))
                .collect();
            writeln!(out, "{line}")?;
        }
        return Ok(());
    }
    writeln!(out, "{head}")?;
    writeln!(
        out,
        "Comfort: share of the time in category II of EN 16798-1. Others: a week and room; moves and travel: a day."
    )?;
    writeln!(
        out,
        "{:<24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "controller",
        "comfort",
        "worst",
        "too warm",
        "too cold",
        "> 60 %",
        "> 40 dB",
        "rain in",
        "moves",
        "travel"
    )?;
    writeln!(
        out,
        "{:<24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "%", "room, %", "K·h", "K·h", "h", "h", "h", "", "points"
    )?;
    for (kind, tally) in KINDS.iter().zip(tallies) {
        let [comfort, warm, cold, damp, noise, rain, moves, travel] =
            figures(&tally.all).map(|(_, value)| value);
        writeln!(
            out,
            "{:<24} {comfort:>8.1} {:>8.1} {warm:>8.1} {cold:>8.1} {damp:>8.1} {noise:>8.1} {rain:>8.2} {moves:>8.1} {travel:>8.0}",
            kind.name, tally.worst_room
        )?;
    }
    Ok(())
}

fn object(sums: &Sums) -> Value {
    let mut object = json!({});
    for (name, value) in figures(sums) {
        object[name] = ((value * 1_000.0).round() / 1_000.0).into();
    }
    object
}

/// Four figures of each controller as bars.
pub(super) fn picture(tallies: &[Tally]) -> Result<Vec<u8>, PlotError> {
    type Figure = fn(&Sums) -> f64;
    let panels: [(&str, Figure); 4] = [
        ("Comfort, % of the time", Sums::comfort_percent),
        ("Street noise above 40 dB(A) indoors, hours a week", |sums| {
            sums.hours_a_week(sums.noisy)
        }),
        ("Rain through an open window, hours a week", |sums| {
            sums.hours_a_week(sums.rained_on)
        }),
        ("Moves a day", |sums| sums.a_day(sums.moves)),
    ];
    png(SIZE, |area| {
        for (panel, (title, figure)) in area.split_evenly((2, 2)).iter().zip(panels) {
            let values: Vec<f64> = tallies.iter().map(|tally| figure(&tally.all)).collect();
            bars(panel, title, &values)?;
        }
        Ok(())
    })
}

fn bars(area: &Area<'_>, title: &str, values: &[f64]) -> DrawResult {
    let (width, _) = area.dim_in_pixel();
    let room = width as i32 - NAMES - VALUES;
    let most = values.iter().copied().fold(1e-9, f64::max);
    area.draw(&Text::new(title.to_owned(), (20, 20), text(20)))?;
    for (place, (kind, value)) in KINDS.iter().zip(values).enumerate() {
        let top = 60 + place as i32 * (BAR + 14);
        let end = NAMES + (value / most * f64::from(room)) as i32;
        let colour = if place == 0 {
            GREY
        } else {
            PALETTE[place % PALETTE.len()]
        };
        area.draw(&Text::new(kind.name, (20, top + 4), text(16)))?;
        area.draw(&Rectangle::new(
            [(NAMES, top), (end.max(NAMES + 1), top + BAR)],
            colour.filled(),
        ))?;
        area.draw(&Text::new(format!("{value:.1}"), (end + 8, top + 4), text(16)))?;
    }
    Ok(())
}
