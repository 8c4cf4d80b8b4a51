//! The rows of a query as CSV.

use std::io::{self, Write};

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

/// A query with the conditions that are given.
pub struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    /// `sql` ends behind its last word.
    pub fn of(sql: &str) -> Self {
        Self { sql: format!("{sql} WHERE TRUE"), values: Vec::new() }
    }

    /// Rows that fit `condition`, in which a question mark stands for the value; all of them without a value.
    pub fn and(mut self, condition: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.sql += &format!(" AND {condition}");
            self.values.push(value);
        }
        self
    }

    /// The statement and its values.
    pub fn ordered_by(self, columns: &str) -> (String, Vec<Value>) {
        (format!("{} ORDER BY {columns}", self.sql), self.values)
    }
}

/// Writes the rows of a query as CSV, with a line of names above them. Returns how many rows. `failed` names the file in an
/// error.
pub fn write_csv(
    connection: &Connection,
    (sql, values): (String, Vec<Value>),
    out: &mut dyn Write,
    failed: impl Fn(rusqlite::Error) -> io::Error,
) -> io::Result<u64> {
    let mut statement = connection.prepare(&sql).map_err(&failed)?;
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(statement.column_names())?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(&failed)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(&failed)? {
        for column in 0..columns {
            csv.write_field(field(row.get_ref(column).map_err(&failed)?))?;
        }
        csv.write_record(None::<&[u8]>)?;
        count += 1;
    }
    csv.flush()?;
    Ok(count)
}

/// A value as a field. A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets
/// show as text.
fn field(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if is_formula { format!("'{text}") } else { text.into() }
        }
    }
}
