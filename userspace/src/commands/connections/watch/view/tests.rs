use std::time::{Duration, Instant};

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Cell,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

use super::{super::super::tests::row, Row, Selection, Turn, View};

/// A view on a screen of some size.
struct Seen {
    view: View,
    terminal: Terminal<TestBackend>,
    start: Instant,
}

impl Seen {
    fn new(width: u16, height: u16) -> Self {
        Self {
            view: View::new(Selection::default()),
            terminal: Terminal::new(TestBackend::new(width, height)).expect("a screen"),
            start: Instant::now(),
        }
    }

    fn show(&mut self, after_seconds: u64, rows: Vec<Row>) {
        let moment = self.start + Duration::from_secs(after_seconds);
        self.view.show(moment, rows);
    }

    fn press(&mut self, code: KeyCode) -> Turn {
        self.view.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(KeyCode::Char(letter));
        }
    }

    /// The lines of the screen as it is drawn now.
    fn lines(&mut self) -> Vec<String> {
        let drawn = self.terminal.draw(|frame| self.view.render(frame));
        let buffer = drawn.expect("a drawing").buffer.clone();
        let width = usize::from(buffer.area.width).max(1);
        let cells: Vec<&str> = buffer.content.iter().map(Cell::symbol).collect();
        let lines = cells.chunks(width);
        lines
            .map(|line| line.concat().trim_end().to_owned())
            .collect()
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
    }
}

fn numbered(count: u16) -> Vec<Row> {
    (1..=count)
        .map(|number| Row {
            remote: ([10, 0, 0, 2], number).into(),
            age_ms: Some(u64::from(number) * 1000),
            ..row(number.into())
        })
        .collect()
}

#[test]
fn a_wide_screen_has_every_column() {
    let mut seen = Seen::new(200, 10);
    seen.show(0, numbered(2));
    let lines = seen.lines();
    assert!(
        lines[0].starts_with("2 of 2 connections  sort age:desc"),
        "{lines:#?}"
    );
    for column in super::column::ALL {
        assert!(lines[1].contains(column.heading), "{lines:#?}");
    }
    assert!(lines[1].contains("AGE▼"), "{lines:#?}");
    assert!(
        lines[2].contains("10.0.0.2:2 "),
        "the oldest comes first: {lines:#?}"
    );
    assert!(lines[9].starts_with("q quit"), "{lines:#?}");
}

#[test]
fn a_narrow_screen_keeps_the_remote_end_and_the_bytes() {
    let mut seen = Seen::new(45, 6);
    seen.show(0, numbered(1));
    let lines = seen.lines();
    for heading in ["REMOTE", "SENT", "RECEIVED"] {
        assert!(lines[1].contains(heading), "{lines:#?}");
    }
    assert!(
        !lines[1].contains("LOCAL") && !lines[1].contains("USER"),
        "{lines:#?}"
    );
    assert!(lines[2].contains("10.0.0.2:1"), "{lines:#?}");
}

#[test]
fn every_size_can_be_drawn() {
    let mut seen = Seen::new(100, 20);
    seen.show(0, numbered(50));
    seen.press(KeyCode::End);
    for (width, height) in [
        (1, 1),
        (2, 2),
        (300, 3),
        (10, 100),
        (80, 24),
        (0, 0),
        (80, 24),
    ] {
        seen.resize(width, height);
        seen.lines();
    }
    seen.press(KeyCode::End);
    let lines = seen.lines();
    assert!(
        lines[22].contains("10.0.0.2:1 "),
        "the end is where it was: {lines:#?}"
    );
}

#[test]
fn a_rate_is_what_came_since_the_list_before() {
    let mut seen = Seen::new(200, 6);
    let counted = |sent, received| Row {
        bytes_sent: Some(sent),
        bytes_received: Some(received),
        ..row(1)
    };
    seen.show(0, vec![counted(1000, 0)]);
    assert_eq!(
        seen.lines()[2].matches(" - ").count(),
        2,
        "nothing is known yet"
    );
    seen.show(2, vec![counted(9000, 500_000)]);
    let line = seen.lines()[2].clone();
    assert!(line.contains(" 4.0k ") && line.contains(" 250k "), "{line}");
    // A count that went back is of another connection.
    seen.show(3, vec![counted(10, 0)]);
    assert_eq!(seen.lines()[2].matches(" - ").count(), 2);
}

#[test]
fn keys_change_the_order() {
    let mut seen = Seen::new(200, 6);
    seen.show(0, numbered(3));
    seen.press(KeyCode::Char('r'));
    assert!(seen.lines()[2].contains("10.0.0.2:1 "));
    seen.press(KeyCode::Char('s'));
    assert!(seen.lines()[0].contains("sort sent:desc"));
    seen.press(KeyCode::Char('S'));
    assert!(seen.lines()[0].contains("sort age:desc"));
    assert!(seen.lines()[2].contains("10.0.0.2:3 "));
}

#[test]
fn conditions_are_written_on_the_last_line() {
    let mut seen = Seen::new(200, 6);
    seen.show(0, numbered(3));
    seen.press(KeyCode::Char('/'));
    seen.write("remote=:2q");
    assert!(seen.lines()[5].starts_with("filter: remote=:2q_"));
    seen.press(KeyCode::Enter);
    assert!(
        seen.lines()[5].contains("is no address"),
        "{:#?}",
        seen.lines()
    );
    seen.press(KeyCode::Backspace);
    seen.press(KeyCode::Enter);
    let lines = seen.lines();
    assert!(lines[0].starts_with("1 of 3 connections"), "{lines:#?}");
    assert!(lines[0].contains("filter remote=:2"), "{lines:#?}");
    assert!(lines[2].contains("10.0.0.2:2 "), "{lines:#?}");
    // Leaving changes nothing.
    seen.press(KeyCode::Char('/'));
    seen.write(" age>100");
    assert_eq!(seen.press(KeyCode::Esc), Turn::GoOn);
    assert!(seen.lines()[0].starts_with("1 of 3"));
}

#[test]
fn a_list_longer_than_the_screen_is_scrolled() {
    let mut seen = Seen::new(200, 7);
    seen.show(0, numbered(20));
    assert_eq!(seen.lines().len(), 7);
    seen.press(KeyCode::End);
    assert!(
        seen.lines()[5].contains("10.0.0.2:1 "),
        "{:#?}",
        seen.lines()
    );
    seen.press(KeyCode::PageUp);
    assert!(
        seen.lines()[5].contains("10.0.0.2:5 "),
        "{:#?}",
        seen.lines()
    );
    seen.press(KeyCode::Up);
    assert!(
        seen.lines()[5].contains("10.0.0.2:6 "),
        "{:#?}",
        seen.lines()
    );
    seen.press(KeyCode::Home);
    seen.press(KeyCode::Up);
    assert!(
        seen.lines()[2].contains("10.0.0.2:20 "),
        "{:#?}",
        seen.lines()
    );
    // The list became shorter than where we are.
    seen.press(KeyCode::End);
    seen.show(1, numbered(2));
    assert!(
        seen.lines()[2].contains("10.0.0.2:2 "),
        "{:#?}",
        seen.lines()
    );
}

#[test]
fn a_pause_keeps_the_list() {
    let mut seen = Seen::new(200, 7);
    seen.show(0, numbered(2));
    seen.press(KeyCode::Char('p'));
    seen.show(1, numbered(5));
    let lines = seen.lines();
    assert!(
        lines[0].starts_with("2 of 2") && lines[0].contains("paused"),
        "{lines:#?}"
    );
    seen.press(KeyCode::Char('p'));
    seen.show(2, numbered(5));
    assert!(seen.lines()[0].starts_with("5 of 5"));
}

#[test]
fn a_failure_is_told_and_the_last_list_stays() {
    let mut seen = Seen::new(200, 7);
    seen.show(0, numbered(2));
    seen.view.fail("cannot read map CONNECTIONS".to_owned());
    let lines = seen.lines();
    assert!(lines[0].contains("cannot read map"), "{lines:#?}");
    assert!(lines[2].contains("10.0.0.2:2 "), "{lines:#?}");
}

#[test]
fn it_is_quit_by_three_keys() {
    let mut seen = Seen::new(80, 7);
    assert_eq!(seen.press(KeyCode::Char('q')), Turn::Quit);
    assert_eq!(seen.press(KeyCode::Esc), Turn::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(seen.view.press(interrupt), Turn::Quit);
    // In the line of conditions they are letters, but for the last.
    seen.press(KeyCode::Char('/'));
    assert_eq!(seen.press(KeyCode::Char('q')), Turn::GoOn);
    assert_eq!(seen.view.press(interrupt), Turn::Quit);
}
