//! The picture of a dashboard: its panels in their places.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use plot::{
    Area, Cell, DrawResult, GREY, HeatMap, Mark, PALETTE, TimeAxis, TimeChart, TimePoint, TimeSeries,
    legend_width,
    plotters::{
        element::{Rectangle, Text},
        prelude::RGBColor,
    },
    text, time_axis,
};

use super::{
    DRAWN,
    answer::{Answer, ClickHouse, Kind, number, said},
    charts,
    dashboard::{Dashboard, Panel},
};
use crate::panels::{Chosen, expand};

/// Pixels of a column and a row of the grid.
const COLUMN: u32 = 46;
const ROW: u32 = 24;
const MARGIN: u32 = 8;
const HEAD: u32 = 52;
const TICK_PIXELS: u32 = 70;
const LONGEST_LEGEND: u32 = 150;
/// The share of cells at either end that is as dark or as bright as the next one.
const OUTLIERS: f64 = 0.06;
/// Points that are farther apart are not joined, unless the intervals are longer.
const LONGEST_GAP_MS: f64 = 2.0 * 3_600_000.0;
const BORDER: RGBColor = RGBColor(222, 222, 222);

/// A dashboard and what it is asked for.
pub(super) struct Picture<'a> {
    pub(super) dashboard: &'a Dashboard,
    pub(super) clickhouse: &'a ClickHouse,
    /// The end of what is drawn, s since 1970.
    pub(super) until: u64,
    pub(super) chosen: &'a Chosen,
}

impl Picture<'_> {
    /// Asks every panel's queries and returns the PNG.
    pub(super) fn draw(&self) -> anyhow::Result<Vec<u8>> {
        let mut answers = Vec::with_capacity(self.dashboard.panels.len());
        for panel in &self.dashboard.panels {
            let range = DRAWN.drawn_by(&panel.json);
            let ask = |sql: &String| self.clickhouse.ask(&expand(sql, range, self.until, self.chosen)?);
            let asked: anyhow::Result<Vec<Answer>> = panel.queries.iter().map(ask).collect();
            answers.push(asked.with_context(|| format!("{}: {}", self.dashboard.title, panel.title))?);
        }
        let size = (
            24 * COLUMN + 2 * MARGIN,
            HEAD + self.dashboard.height() * ROW + MARGIN,
        );
        let days = DRAWN.span_s / 86_400;
        let until = jiff::Timestamp::from_second(self.until as i64)?.strftime("%Y-%m-%d");
        let note = format!(
            "A stand-in, not Grafana: the panels' queries, drawn by Casement. Rooms are generated; {days} days until {until}, UTC."
        );
        let drawn = plot::png(size, |area| {
            area.draw(&Text::new(
                self.dashboard.title.clone(),
                (MARGIN as i32 + 4, 6),
                text(20),
            ))?;
            area.draw(&Text::new(note, (MARGIN as i32 + 4, 31), text(12).color(&GREY)))?;
            for (panel, answers) in self.dashboard.panels.iter().zip(&answers) {
                let [x, y, width, height] = panel.place;
                let corner = ((MARGIN + x * COLUMN) as i32, (HEAD + y * ROW) as i32);
                let part = area
                    .clone()
                    .shrink(corner, (width * COLUMN - 6, height * ROW - 6));
                self.panel(&part, panel, answers)?;
            }
            Ok(())
        });
        Ok(drawn?)
    }

    fn panel(&self, area: &Area<'_>, panel: &Panel, answers: &[Answer]) -> DrawResult {
        let (width, height) = area.dim_in_pixel();
        let mut title = self.chosen.title(&panel.title);
        if panel.kind == "row" {
            area.draw(&Text::new(title, (4, 4), text(15).color(&GREY)))?;
            return Ok(());
        }
        area.draw(&Rectangle::new(
            [(0, 0), (width as i32 - 1, height as i32 - 1)],
            BORDER,
        ))?;
        if panel.kind == "timeseries" {
            if !panel.unit.name.is_empty() {
                title = format!("{title}, {}", panel.unit.name);
            }
            return self.time_series(area, panel, &title, answers);
        }
        let Some(answer) = answers.first() else {
            return Ok(());
        };
        match panel.kind.as_str() {
            "heatmap" => self.heat_map(area, panel, &title, answer),
            "state-timeline" => charts::states(area, &title, &self.axis(width), answer),
            "stat" => charts::stat(area, &title, &panel.unit, answer),
            "bargauge" => charts::gauges(area, &title, panel, answer),
            "barchart" => charts::bars(area, &title, answer),
            _ => charts::table(area, &title, answer),
        }
    }

    fn axis(&self, width: u32) -> TimeAxis {
        let ends = [self.until - DRAWN.span_s, self.until].map(|end| 1_000 * end as i64);
        let span = (ends[0], ends[1]);
        time_axis(span, &TimeZone::UTC, i64::from(width / TICK_PIXELS))
    }

    fn time_series(&self, area: &Area<'_>, panel: &Panel, title: &str, answers: &[Answer]) -> DrawResult {
        let named: Vec<(String, Vec<TimePoint>)> = answers
            .iter()
            .flat_map(|answer| lines(answer, panel.unit.factor))
            .collect();
        let mark = match (panel.style.as_str(), panel.is_stepped) {
            (_, true) => Mark::Steps,
            ("bars", _) => Mark::Bars,
            ("points", _) => Mark::Dots,
            _ => Mark::Line,
        };
        let colour = |number: usize| PALETTE[(number + 1) % PALETTE.len()];
        let series = named.into_iter().enumerate();
        let series: Vec<TimeSeries> = series
            .map(|(number, (name, points))| TimeSeries {
                mark: if panel.dotted.contains(&name) {
                    Mark::Dots
                } else {
                    mark
                },
                name,
                colour: colour(number),
                points,
            })
            .collect();
        let (width, _) = area.dim_in_pixel();
        // Bars stand on zero.
        let highest = series
            .iter()
            .flat_map(|series| &series.points)
            .map(|point| point.value)
            .fold(0.0, f64::max);
        let range = if mark == Mark::Bars {
            Some((0.0, highest.max(1.0) * 1.06))
        } else {
            panel.range
        };
        let chart = TimeChart {
            title,
            time: &self.axis(width),
            time_labels: true,
            range,
            longest_gap: LONGEST_GAP_MS.max(3.0 * interval_ms(panel)),
            series: &series,
            legend: legend_width(series.iter().map(|series| series.name.as_str())).min(LONGEST_LEGEND),
        };
        chart.draw(area)
    }

    fn heat_map(&self, area: &Area<'_>, panel: &Panel, title: &str, answer: &Answer) -> DrawResult {
        let (width, _) = area.dim_in_pixel();
        let columns = [Kind::Time, Kind::Text, Kind::Number].map(|kind| answer.of(kind).first().copied());
        let [Some(time), Some(bucket), Some(value)] = columns else {
            return charts::table(area, title, answer);
        };
        let mut buckets: Vec<String> = answer.rows.iter().map(|row| said(&row[bucket])).collect();
        buckets.sort();
        buckets.dedup();
        let mut values: Vec<f64> = answer.rows.iter().map(|row| number(&row[value])).collect();
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            values
                .get((share * values.len() as f64) as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        let (low, high) = (at(OUTLIERS), at(1.0 - OUTLIERS));
        let cell = |row: &Vec<serde_json::Value>| Cell {
            time: number(&row[time]) * 1_000.0,
            row: buckets.binary_search(&said(&row[bucket])).unwrap_or_default(),
            brightness: (number(&row[value]) - low) / (high - low).max(f64::MIN_POSITIVE),
        };
        let cells: Vec<Cell> = answer.rows.iter().map(cell).collect();
        let trimmed = |name: &String| match name.trim_start_matches('0') {
            "" => "0".to_owned(),
            name => name.to_owned(),
        };
        let rows: Vec<String> = buckets.iter().map(trimmed).collect();
        let said = |value| charts::written(value, &panel.unit);
        let title = if values.is_empty() {
            format!("{title}: no data")
        } else {
            format!(
                "{title}, {} or less (dark) to {} or more (bright)",
                said(low),
                said(high)
            )
        };
        let map = HeatMap {
            title: &title,
            time: &self.axis(width),
            cell_width: interval_ms(panel),
            rows: &rows,
            cells: &cells,
        };
        map.draw(area)
    }
}

/// How long the intervals are that a panel asks for.
fn interval_ms(panel: &Panel) -> f64 {
    1_000.0 * DRAWN.drawn_by(&panel.json).interval_s as f64
}

/// Splits an answer into lines: one for each label and column; `low` and `high` are the band of the column before them.
fn lines(answer: &Answer, factor: f64) -> Vec<(String, Vec<TimePoint>)> {
    let (times, labels, numbers) = (
        answer.of(Kind::Time),
        answer.of(Kind::Text),
        answer.of(Kind::Number),
    );
    let Some(&time) = times.first() else { return vec![] };
    let column = |name: &str| {
        numbers
            .iter()
            .copied()
            .find(|&column| answer.columns[column].0 == name)
    };
    let band = column("low").zip(column("high"));
    let values: Vec<usize> = numbers
        .iter()
        .copied()
        .filter(|column| band.is_none_or(|(low, high)| ![low, high].contains(column)))
        .collect();
    let mut lines: BTreeMap<(String, usize), Vec<TimePoint>> = BTreeMap::new();
    for row in &answer.rows {
        let label: Vec<String> = labels.iter().map(|&label| said(&row[label])).collect();
        for &column in &values {
            let value = number(&row[column]) * factor;
            let end = |end: usize| number(&row[end]) * factor;
            let (low, high) = band.map_or((value, value), |(low, high)| (end(low), end(high)));
            let point = TimePoint {
                time: number(&row[time]) * 1_000.0,
                value,
                low,
                high,
            };
            lines.entry((label.join(" "), column)).or_default().push(point);
        }
    }
    let name = |label: String, column: usize| match (label.is_empty(), values.len()) {
        (true, _) => answer.columns[column].0.clone(),
        (false, 1) => label,
        (false, _) => format!("{label} {}", answer.columns[column].0),
    };
    lines
        .into_iter()
        .map(|((label, column), points)| (name(label, column), points))
        .collect()
}
