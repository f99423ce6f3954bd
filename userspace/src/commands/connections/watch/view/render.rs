//! The view as cells of a screen.

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Color, Style},
    text::{Line as Text, Span},
    widgets::{Cell, Paragraph, Row as Cells, Table},
};

use super::{
    Line, Shown, View,
    column::{self, Column},
};

const HELP: &str = "q quit  s/S sort by next/last  r reverse  / filter  p pause  ↑↓ PgUp PgDn";

impl View {
    /// Draws everything for the size that the screen has now.
    pub(in super::super) fn render(&mut self, frame: &mut Frame<'_>) {
        let [top, middle, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.room = usize::from(middle.height).saturating_sub(1);
        self.scroll(self.top);
        let seen: Vec<&Shown> = self.wanted().skip(self.top).take(self.room).collect();
        let columns = column::that_fit(middle.width.into(), &seen);
        let widths = columns
            .iter()
            .map(|(_, width)| Constraint::Length(u16::try_from(*width).unwrap_or(u16::MAX)));
        let rows = seen.iter().map(|shown| {
            Cells::new(columns.iter().map(|(column, width)| {
                let text = (column.cell)(shown);
                Cell::from(aligned(column, &text, *width))
            }))
            .style(colour(&shown.row.verdict))
        });
        let table = Table::new(rows, widths)
            .column_spacing(u16::try_from(column::GAP).unwrap_or(1))
            .header(self.heading(&columns));
        frame.render_widget(self.summary(), top);
        frame.render_widget(table, middle);
        frame.render_widget(self.last_line(), bottom);
    }

    fn heading(&self, columns: &[(Column, usize)]) -> Cells<'static> {
        let sort = self.selection.sort;
        Cells::new(columns.iter().map(|(column, width)| {
            let mark = match (column.key == Some(sort.key), sort.descending) {
                (true, true) => "▼",
                (true, false) => "▲",
                (false, _) => "",
            };
            let text = format!("{}{mark}", column.heading);
            Cell::from(aligned(column, &text, *width))
        }))
        .style(Style::new().reversed())
    }

    /// How many there are, and what keeps the rest from being seen.
    fn summary(&self) -> Paragraph<'static> {
        let wanted = self.wanted().count();
        let mut spans = vec![Span::raw(format!(
            "{wanted} of {} connections",
            self.all.len()
        ))];
        spans.push(Span::raw(format!("  sort {}", self.selection.sort)));
        if !self.selection.filters.is_empty() {
            let filters = self.selection.filters.iter();
            let text: Vec<String> = filters.map(ToString::to_string).collect();
            spans.push(Span::raw(format!("  filter {}", text.join(" "))));
        }
        if self.is_paused {
            spans.push(Span::styled("  paused", Style::new().bold()));
        }
        if let Some(failure) = &self.failure {
            spans.push(Span::styled(
                format!("  {failure}"),
                Style::new().fg(Color::Red),
            ));
        }
        Paragraph::new(Text::from(spans))
    }

    fn last_line(&self) -> Paragraph<'static> {
        match &self.line {
            Line::Help => Paragraph::new(HELP).style(Style::new().dim()),
            Line::Filter { text, error: None } => Paragraph::new(format!("filter: {text}_")),
            Line::Filter {
                text,
                error: Some(error),
            } => Paragraph::new(Text::from(vec![
                Span::styled(format!("{error}  "), Style::new().fg(Color::Red)),
                Span::raw(format!("filter: {text}_")),
            ])),
        }
    }
}

fn aligned(column: &Column, text: &str, width: usize) -> String {
    if column.is_number {
        format!("{text:>width$}")
    } else {
        text.to_owned()
    }
}

fn colour(verdict: &str) -> Style {
    match verdict {
        "redirected" => Style::new(),
        "refused" => Style::new().fg(Color::Red),
        _ => Style::new().fg(Color::Yellow),
    }
}
