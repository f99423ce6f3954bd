//! What is on the screen and what keys do: a state that knows no terminal and no clock.

mod column;
mod render;

use std::{collections::HashMap, time::Instant};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::{
    Row,
    selection::{Filter, Key, Selection, Sort},
};

/// What comes after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    GoOn,
    Quit,
}

/// A connection with its rates since the list before, in bytes a second.
#[derive(Clone, Debug)]
struct Shown {
    row: Row,
    out: Option<u64>,
    into: Option<u64>,
}

/// What the last line is for.
#[derive(Clone, Debug, Default)]
enum Line {
    #[default]
    Help,
    /// Conditions under way, and what is wrong with them.
    Filter { text: String, error: Option<String> },
}

/// The whole state.
#[derive(Debug, Default)]
pub(super) struct View {
    selection: Selection,
    /// Everything that was listed, in order of the selection.
    all: Vec<Shown>,
    listed: Option<Instant>,
    failure: Option<String>,
    line: Line,
    is_paused: bool,
    /// The first connection that is seen, and how many there is room for.
    top: usize,
    room: usize,
}

impl View {
    pub(super) fn new(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// Takes a new list.
    pub(super) fn show(&mut self, moment: Instant, rows: Vec<Row>) {
        self.failure = None;
        if self.is_paused {
            return;
        }
        let before: HashMap<u64, &Row> = self
            .all
            .iter()
            .map(|shown| (shown.row.cookie, &shown.row))
            .collect();
        let milliseconds = self.listed.map_or(0, |listed| {
            moment.saturating_duration_since(listed).as_millis()
        });
        let rate = |count: fn(&Row) -> Option<u64>, row: &Row| {
            let before = count(before.get(&row.cookie)?)?;
            let more = u128::from(count(row)?.checked_sub(before)?);
            u64::try_from((more * 1000).checked_div(milliseconds)?).ok()
        };
        self.all = rows
            .into_iter()
            .map(|row| Shown {
                out: rate(|row| row.bytes_sent, &row),
                into: rate(|row| row.bytes_received, &row),
                row,
            })
            .collect();
        self.listed = Some(moment);
        self.sort();
    }

    /// Says why there is no new list; the old one stays.
    pub(super) fn fail(&mut self, failure: String) {
        self.failure = Some(failure);
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: KeyEvent) -> Turn {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Turn::Quit;
        }
        match &self.line {
            Line::Help => return self.press_in_list(key.code),
            Line::Filter { .. } => self.press_in_filter(key.code),
        }
        Turn::GoOn
    }

    fn press_in_list(&mut self, key: KeyCode) -> Turn {
        let page = self.room.max(1);
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Turn::Quit,
            KeyCode::Char('s') | KeyCode::Right => self.sort_by_next(1),
            KeyCode::Char('S') | KeyCode::Left => self.sort_by_next(Key::ALL.len() - 1),
            KeyCode::Char('r') => {
                self.selection.sort.descending ^= true;
                self.sort();
            }
            KeyCode::Char('p' | ' ') => self.is_paused ^= true,
            KeyCode::Char('/' | 'f') => {
                let filters = self.selection.filters.iter();
                let text: Vec<String> = filters.map(ToString::to_string).collect();
                self.line = Line::Filter {
                    text: text.join(" "),
                    error: None,
                };
            }
            KeyCode::Down | KeyCode::Char('j') => self.scroll(self.top + 1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(self.top.saturating_sub(1)),
            KeyCode::PageDown => self.scroll(self.top + page),
            KeyCode::PageUp => self.scroll(self.top.saturating_sub(page)),
            KeyCode::Home => self.scroll(0),
            KeyCode::End => self.scroll(usize::MAX),
            _ => {}
        }
        Turn::GoOn
    }

    fn press_in_filter(&mut self, key: KeyCode) {
        let Line::Filter { text, error } = &mut self.line else {
            return;
        };
        match key {
            KeyCode::Esc => self.line = Line::Help,
            KeyCode::Char(letter) => {
                text.push(letter);
                *error = None;
            }
            KeyCode::Backspace => {
                text.pop();
                *error = None;
            }
            KeyCode::Enter => {
                let filters = text.split_whitespace().map(str::parse);
                match filters.collect::<Result<Vec<Filter>, _>>() {
                    Ok(filters) => {
                        self.selection.filters = filters;
                        self.line = Line::Help;
                        self.scroll(0);
                    }
                    Err(wrong) => *error = Some(wrong),
                }
            }
            _ => {}
        }
    }

    fn sort_by_next(&mut self, steps: usize) {
        let present = self.selection.sort.key;
        let place = Key::ALL.iter().position(|key| *key == present);
        let next = (place.unwrap_or_default() + steps) % Key::ALL.len();
        self.selection.sort = Sort::by(Key::ALL[next]);
        self.sort();
    }

    fn sort(&mut self) {
        self.selection.sort.sort(&mut self.all, |shown| &shown.row);
    }

    /// The connections that are wanted.
    fn wanted(&self) -> impl Iterator<Item = &Shown> {
        self.all
            .iter()
            .filter(|shown| self.selection.takes(&shown.row))
            .take(self.selection.limit.unwrap_or(usize::MAX))
    }

    /// Puts the first line as near to `top` as there are connections to fill the screen.
    fn scroll(&mut self, top: usize) {
        let last = self.wanted().count().saturating_sub(self.room.max(1));
        self.top = top.min(last);
    }
}

#[cfg(test)]
mod tests;
