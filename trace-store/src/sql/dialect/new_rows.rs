//! Rows whose keys are not there, collected in the form in which the database takes them fastest.
//!
//! Comes in: rows, one after the other. Goes out: for Postgres the bytes of a binary `COPY` as soon as they are worth one, else the rows
//! themselves. A row that is bytes at once is hardly out of the cache when it is read again, and needs no memory of its own.

#[cfg(feature = "postgres")]
use super::postgres::CopyRows;
use crate::sql::value::Row;

/// Rows of one table.
#[derive(Debug)]
pub(crate) struct NewRows<R> {
    rows: Vec<R>,
    /// Roughly how many bytes they take.
    size: usize,
    /// Where they are bytes; empty as long as they are not worth it. Of Postgres only.
    #[cfg(feature = "postgres")]
    pub(super) copied: Option<CopyRows>,
}

impl<R: Row> NewRows<R> {
    /// Rows that stay what they are.
    pub(super) fn plain() -> Self {
        Self {
            rows: Vec::new(),
            size: 0,
            #[cfg(feature = "postgres")]
            copied: None,
        }
    }

    /// Rows that are copied when there are enough of them.
    #[cfg(feature = "postgres")]
    pub(super) fn for_copy(copied: CopyRows) -> Self {
        Self { copied: Some(copied), ..Self::plain() }
    }

    /// Adds rows.
    pub(crate) fn append(&mut self, mut rows: Vec<R>) -> Result<(), sqlx::Error> {
        #[cfg(feature = "postgres")]
        if let Some(copied) = self.copied.as_mut().filter(|copied| !copied.is_empty()) {
            // Read where they are: they are large, and moving one takes as long as making bytes of it.
            rows.iter().try_for_each(|row| copied.push(row))?;
            self.size = copied.len();
            return Ok(());
        }
        self.size += rows.iter().map(R::size).sum::<usize>();
        self.rows.append(&mut rows);
        #[cfg(feature = "postgres")]
        if let Some(copied) = self.copied.as_mut().filter(|copied| self.size >= copied.worth()) {
            copied.begin();
            self.rows.iter().try_for_each(|row| copied.push(row))?;
            self.rows = Vec::new();
            self.size = copied.len();
        }
        Ok(())
    }

    /// Those that are no bytes, which leaves none.
    pub(super) fn take(&mut self) -> Vec<R> {
        self.size = 0;
        std::mem::take(&mut self.rows)
    }

    /// Roughly how much memory they take, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}
