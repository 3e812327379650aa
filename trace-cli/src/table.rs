//! Tables that fit the terminal: columns that matter less are left out first, then the longest texts are cut.

use crate::failure::Failure;
use crate::out::Out;
use crate::terminal::Paint;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table, Width};

/// What a text column is cut to before others are left out for it, and where none is left to leave out.
const COMFORTABLE: usize = 28;
const SHORTEST: usize = 8;

/// Between two columns.
const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    room: Room,
    right: bool,
}

/// What becomes of a column where there is too little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It is always there, whole.
    Whole,
    /// It is left out; higher numbers first.
    Spare(u8),
    /// Its texts are cut.
    Cut,
}

impl Column {
    /// A column that is always shown whole.
    pub(crate) const fn whole(title: &'static str) -> Self {
        Self { title, room: Room::Whole, right: false }
    }

    /// A column that is left out where there is no room; higher numbers first.
    pub(crate) const fn spare(title: &'static str, rank: u8) -> Self {
        Self { title, room: Room::Spare(rank), right: false }
    }

    /// A column of texts that are cut where there is no room.
    pub(crate) const fn cut(title: &'static str) -> Self {
        Self { title, room: Room::Cut, right: false }
    }

    /// Of numbers: aligned on the right.
    pub(crate) const fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// A field of a table.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    text: String,
    paint: Paint,
}

impl Field {
    /// A text in a colour.
    pub(crate) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint }
    }
}

impl<T: Into<String>> From<T> for Field {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: Paint::Plain }
    }
}

/// Rows under a heading. The texts are harmless and have one line each.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Field>>,
    heading: bool,
}

impl Grid {
    pub(crate) fn new(columns: impl AsRef<[Column]>) -> Self {
        Self { columns: columns.as_ref().to_vec(), rows: Vec::new(), heading: true }
    }

    /// Rows alone.
    pub(crate) fn without_heading(mut self) -> Self {
        self.heading = false;
        self
    }

    pub(crate) fn row(&mut self, fields: impl Into<Vec<Field>>) {
        self.rows.push(fields.into());
    }

    /// Prints it as wide as the terminal at most.
    pub(crate) fn print(self, out: &mut Out) -> Result<(), Failure> {
        let (width, colour) = (out.terminal.width, out.terminal.colour);
        let mut table = self.table(colour);
        if let Some(width) = width {
            self.fit(&mut table, width);
        }
        for line in table.lines() {
            out.line(line.trim_end())?;
        }
        Ok(())
    }

    fn table(&self, colour: bool) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_truncation_indicator("…");
        table.force_no_tty();
        if colour {
            table.enforce_styling();
        }
        if self.heading {
            let title = |column: &Column| aligned(Cell::new(column.title), *column).add_attribute(Attribute::Dim);
            table.set_header(one_high(self.columns.iter().map(title)));
        }
        for row in &self.rows {
            table.add_row(one_high(
                row.iter().zip(&self.columns).map(|(field, column)| aligned(styled(field), *column)),
            ));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            let gap = if index == 0 { 0 } else { GAP };
            column.set_padding((u16::try_from(gap).unwrap_or(0), 0));
        }
        table
    }

    fn fit(&self, table: &mut Table, width: usize) {
        let natural: Vec<usize> = table.column_max_content_widths().into_iter().map(usize::from).collect();
        let mut shown: Vec<usize> = (0..natural.len()).collect();
        let least = |index: &usize, cut: usize| match self.columns[*index].room {
            Room::Cut => natural[*index].min(cut),
            Room::Whole | Room::Spare(_) => natural[*index],
        };
        let needed = |shown: &[usize], cut: usize| {
            shown.iter().map(|index| least(index, cut)).sum::<usize>() + GAP * shown.len().saturating_sub(1)
        };
        while needed(&shown, COMFORTABLE) > width {
            let rank = |index: &usize| match self.columns[*index].room {
                Room::Spare(rank) => Some(rank),
                Room::Whole | Room::Cut => None,
            };
            let spare = shown.iter().copied().filter(|index| rank(index).is_some()).max_by_key(rank);
            let Some(spare) = spare else { break };
            shown.retain(|index| *index != spare);
        }
        if needed(&shown, SHORTEST) > width && shown.len() > 1 {
            // A few letters of a text tell nothing.
            shown.retain(|index| self.columns[*index].room != Room::Cut);
        }
        let mut room = width.saturating_sub(needed(&shown, SHORTEST));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        for (index, natural) in natural.iter().enumerate() {
            let Some(column) = table.column_mut(index) else { continue };
            if !shown.contains(&index) {
                column.set_constraint(ColumnConstraint::Hidden);
                continue;
            }
            let more = natural.saturating_sub(least(&index, SHORTEST)).min(room);
            room -= more;
            let whole = least(&index, SHORTEST) + more + usize::from(column.padding_width());
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(u16::try_from(whole).unwrap_or(u16::MAX))));
        }
    }
}

/// A row whose cells are cut instead of wrapped.
fn one_high(cells: impl Iterator<Item = Cell>) -> Row {
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

fn aligned(cell: Cell, column: Column) -> Cell {
    cell.set_alignment(if column.right { CellAlignment::Right } else { CellAlignment::Left })
}

fn styled(field: &Field) -> Cell {
    let cell = Cell::new(&field.text);
    match field.paint {
        Paint::Plain => cell,
        Paint::Good => cell.fg(Color::DarkGreen),
        Paint::Bad => cell.fg(Color::DarkRed),
        Paint::Notice => cell.fg(Color::DarkYellow),
        Paint::Quiet => cell.add_attribute(Attribute::Dim),
        Paint::Strong => cell.add_attribute(Attribute::Bold),
    }
}
