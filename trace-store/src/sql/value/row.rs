//! The declaration of a row.

/// Declares a struct that is a row: its table, its key, the columns that sending it again keeps (or `adds`: it is added to the row that
/// is there), and its fields, which are the columns.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? in $table:literal, key [$($key:ident),*], keep [$($keep:ident),*] { $($fields:tt)* }
    ) => {
        $crate::sql::value::row! {
            @row [$(#[$meta])*] $vis $name [$(<$life>)?] $table [$($key)*] [$($keep)*] false { $($fields)* }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? in $table:literal, key [$($key:ident),*], adds { $($fields:tt)* }
    ) => {
        $crate::sql::value::row! { @row [$(#[$meta])*] $vis $name [$(<$life>)?] $table [$($key)*] [] true { $($fields)* } }
    };
    (
        @row [$(#[$meta:meta])*] $vis:vis $name:ident [$(<$life:lifetime>)?] $table:literal [$($key:ident)*] [$($keep:ident)*] $adds:literal {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name $(<$life>)? {
            $($(#[$field_meta])* $vis $field: $type,)*
        }

        impl $(<$life>)? $crate::sql::value::Row for $name $(<$life>)? {
            const TABLE: $crate::sql::value::Table = $crate::sql::value::Table {
                name: $table,
                key: &[$(stringify!($key)),*],
                keep: &[$(stringify!($keep)),*],
                adds: $adds,
                columns: &[$($crate::sql::value::Column {
                    name: stringify!($field),
                    kind: <$type as $crate::sql::value::Cell>::KIND,
                }),*],
            };

            fn each<'c>(&'c self, mut show: impl FnMut($crate::sql::value::CellRef<'c>)) {
                $(show($crate::sql::value::Cell::as_cell(&self.$field));)*
            }

            fn into_cells(self) -> Vec<$crate::sql::value::Value> {
                vec![$($crate::sql::value::Cell::into_cell(self.$field)),*]
            }

            fn from_cells(cells: Vec<$crate::sql::value::Value>) -> Option<Self> {
                let mut cells = cells.into_iter();
                // One way out for all columns: a way out after each one drops those before it in code of its own.
                $(let $field = cells.next().and_then($crate::sql::value::Cell::from_cell);)*
                let ($(Some($field),)*) = ($($field,)*) else { return None };
                Some(Self { $($field,)* })
            }
        }
    };
}

pub(crate) use row;
