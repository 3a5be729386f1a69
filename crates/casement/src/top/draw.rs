//! The screen, drawn from the state. Pure: it asks nothing and keeps nothing.

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Cell, Clear, Paragraph, Row, Table, TableState},
};

use super::{
    State,
    answers::Device,
    text::{age, number, shown},
};

/// Rows of refusals below the rooms, where there is space.
const ERRORS: u16 = 4;
const ROOMY: u16 = 20;
const HELP: [&str; 10] = [
    "q        leave",
    "up down  choose a room; also PgUp, PgDn, Home, End",
    "s        sort by name, health, age, temperature",
    "/        filter by name, place, id, health; Enter keeps, Esc clears",
    "e        refused messages",
    "?        this help",
    "",
    "Window: where it was told to go > where it says it stands, percent open.",
    "Moving: windows that are not yet where they were told to go.",
    "Sound: the level of the last clip, dBFS. Age: since the last message.",
];

/// Draws everything as of `now`.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, now: Timestamp) {
    let area = frame.area();
    let errors = if state.shows_errors || area.height < ROOMY {
        0
    } else {
        ERRORS
    };
    let [head, parts, body, refused, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(errors),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(summary(state), head);
    frame.render_widget(health(state), parts);
    if state.shows_errors {
        draw_errors(frame, state, body, now);
    } else {
        draw_rooms(frame, state, body, now);
        draw_errors(frame, state, refused, now);
    }
    frame.render_widget(footer(state), foot);
    if state.shows_help {
        draw_help(frame, area);
    }
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn summary(state: &State) -> Line<'static> {
    let mut spans = vec![Span::styled("Casement ", bold())];
    let Some(status) = &state.status else {
        spans.push(Span::raw(format!("waiting for {}", shown(&state.url))));
        return Line::from(spans);
    };
    let rate = state
        .rate
        .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
    let percent = match status.journal_max_bytes {
        0 => 0.0,
        most => status.journal_bytes as f64 / most as f64 * 100.0,
    };
    let moving = state
        .devices
        .iter()
        .filter(|device| device.is_under_way())
        .count();
    spans.push(Span::raw(format!(
        "{}  {} rooms  {rate} msg/s  {} refused  journal {} ({percent:.0}%)  {moving} moving",
        shown(&status.version),
        state.devices.len(),
        status.counters.refused,
        status.journal_records,
    )));
    if !status.accepting {
        spans.push(Span::styled("  NOT ACCEPTING", Style::new().fg(Color::Red)));
    }
    Line::from(spans)
}

/// The parts that are not well, or how many are.
fn health(state: &State) -> Line<'static> {
    if let Some(trouble) = &state.trouble {
        let text = format!("no answer: {}", shown(trouble));
        return Line::styled(text, Style::new().fg(Color::Red));
    }
    let ill: Vec<String> = state
        .parts
        .iter()
        .filter(|part| part.state != "ok")
        .map(|part| {
            format!(
                "{}: {}",
                shown(&part.name),
                shown(part.reason.as_deref().unwrap_or(&part.state))
            )
        })
        .collect();
    if !ill.is_empty() {
        return Line::styled(ill.join("; "), Style::new().fg(Color::Yellow));
    }
    let source = if state.live { "live" } else { "asked every second" };
    Line::raw(format!("{} parts well, {source}", state.parts.len()))
}

const HEAD: [&str; 8] = ["ROOM", "PLACE", "HEALTH", "TEMP", "HUM", "SOUND", "WINDOW", "AGE"];

fn draw_rooms(frame: &mut Frame<'_>, state: &State, area: Rect, now: Timestamp) {
    let rooms = state.rooms();
    if rooms.is_empty() {
        let text = if state.devices.is_empty() {
            "no room was heard of yet"
        } else {
            "no room fits the filter"
        };
        frame.render_widget(Paragraph::new(text), area);
        return;
    }
    let widths = [
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Length(10),
        Constraint::Length(5),
        Constraint::Length(4),
        Constraint::Length(5),
        Constraint::Length(8),
        Constraint::Length(5),
    ];
    let table = Table::new(rooms.iter().map(|room| row(room, now)), widths)
        .header(Row::new(HEAD).style(bold()))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut selection = TableState::new().with_selected(Some(state.selected));
    frame.render_stateful_widget(table, area, &mut selection);
}

/// The cells of a room, as text.
pub(super) fn cells(room: &Device, now: Timestamp) -> [String; 8] {
    let told = number(room.command.as_ref().map(|command| command.position), 0);
    let stands = number(room.stands(), 0);
    let name = if room.name.is_empty() {
        &room.device_id
    } else {
        &room.name
    };
    [
        shown(name),
        shown(&room.location),
        shown(room.condition()),
        number(room.value("temperature"), 1),
        number(room.value("humidity"), 0),
        number(room.clip.as_ref().and_then(|clip| clip.level_dbfs), 0),
        format!("{told}>{stands}"),
        age(room.last_seen, now),
    ]
}

fn row(room: &Device, now: Timestamp) -> Row<'static> {
    let colour = match room.urgency() {
        0 => Color::Green,
        1 | 2 => Color::DarkGray,
        3 | 4 => Color::Yellow,
        _ => Color::Red,
    };
    let cells = cells(room, now).into_iter().enumerate().map(|(place, text)| {
        let style = if place == 2 {
            Style::new().fg(colour)
        } else {
            Style::new()
        };
        Cell::from(text).style(style)
    });
    Row::new(cells)
}

fn draw_errors(frame: &mut Frame<'_>, state: &State, area: Rect, now: Timestamp) {
    if area.height == 0 {
        return;
    }
    let mut lines = vec![Line::styled("REFUSED", bold())];
    if state.errors.is_empty() {
        let text = if state.live {
            "nothing since this began"
        } else {
            "events do not come, see ingest_errors"
        };
        lines.push(Line::raw(text));
    }
    let room = usize::from(area.height).saturating_sub(1);
    lines.extend(state.errors.iter().take(room).map(|refused| {
        Line::raw(format!(
            "{:>5} {} {}: {}",
            age(refused.at, now),
            shown(&refused.reason),
            shown(&refused.topic),
            shown(&refused.detail)
        ))
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

fn footer(state: &State) -> Line<'static> {
    if state.is_filtering {
        return Line::raw(format!("filter: {}_", shown(&state.filter)));
    }
    let filter = if state.filter.is_empty() {
        String::new()
    } else {
        format!("  filter: {}", shown(&state.filter))
    };
    let text = format!(
        "q leave  s sort ({})  / filter  e errors  ? help{filter}",
        state.sort.as_str()
    );
    Line::styled(text, Style::new().add_modifier(Modifier::DIM))
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = (76.min(area.width), (HELP.len() as u16 + 2).min(area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::raw(*line)).collect();
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title("keys")),
        place,
    );
}

#[cfg(test)]
mod tests;
