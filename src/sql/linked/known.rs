//! Text columns as names: a value that a dictionary holds once is looked up once, however many rows show it.

use arrow::array::{Array, AsArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use hashbrown::HashMap;

use crate::error::Result;
use crate::lake::rows::text_column;
use crate::sts::names::{Name, Names};

/// What is known of the dictionaries that batches of one table came with: batches of one file share them.
#[derive(Debug, Default)]
pub struct Dictionaries {
    by_column: HashMap<&'static str, Dictionary>,
}

/// A dictionary's values, and their names as far as they were asked for.
#[derive(Debug)]
struct Dictionary {
    values: StringArray,
    names: Vec<Option<Name>>,
}

impl Dictionary {
    fn of(values: &StringArray) -> Self {
        Self { values: values.clone(), names: vec![None; values.len()] }
    }

    /// Whether these are the very same values, not just equal ones.
    fn is(&self, values: &StringArray) -> bool {
        self.values.len() == values.len()
            && self.values.offsets().as_ptr() == values.offsets().as_ptr()
            && self.values.values().as_ptr() == values.values().as_ptr()
    }

    fn name(&mut self, names: &mut Names, place: usize) -> Name {
        let Some(slot) = self.names.get_mut(place) else { return Name::NONE };
        *slot.get_or_insert_with(|| names.add(self.values.is_valid(place).then(|| self.values.value(place))))
    }
}

#[derive(Debug)]
enum Column {
    Plain(StringArray),
    Coded(&'static str, Int32Array, Dictionary),
}

impl Column {
    fn names(&mut self, names: &mut Names) -> Vec<Name> {
        match self {
            Column::Plain(array) if array.null_count() == array.len() => vec![Name::NONE; array.len()],
            Column::Plain(array) => array.iter().map(|text| names.add(text)).collect(),
            Column::Coded(_, keys, _) if keys.null_count() == keys.len() => vec![Name::NONE; keys.len()],
            Column::Coded(_, keys, dictionary) => {
                let place = |key: Option<i32>| key.and_then(|key| usize::try_from(key).ok());
                keys.iter().map(|key| place(key).map_or(Name::NONE, |at| dictionary.name(names, at))).collect()
            }
        }
    }
}

/// The text columns of one batch, by their place in the list they were opened with.
#[derive(Debug)]
pub struct Texts {
    columns: Vec<Column>,
}

impl Texts {
    /// Opens columns of a batch, plain or dictionary-encoded.
    ///
    /// # Errors
    /// An internal error where a column is no text.
    pub fn open(batch: &RecordBatch, names: &[&'static str], dictionaries: &mut Dictionaries) -> Result<Self> {
        let mut column = |name: &'static str| {
            let coded = batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>());
            let Some((coded, values)) = coded.and_then(|c| Some((c, c.values().as_string_opt::<i32>()?))) else {
                return Ok(Column::Plain(text_column(batch, name)?));
            };
            let dictionary = match dictionaries.by_column.remove(name) {
                Some(known) if known.is(values) => known,
                _ => Dictionary::of(values),
            };
            Ok(Column::Coded(name, coded.keys().clone(), dictionary))
        };
        Ok(Self { columns: names.iter().map(|name| column(name)).collect::<Result<_>>()? })
    }

    /// The text of a row.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        match self.columns.get(column)? {
            Column::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            Column::Coded(_, keys, dictionary) => {
                let place = usize::try_from(keys.is_valid(row).then(|| keys.value(row))?).ok()?;
                dictionary.values.is_valid(place).then(|| dictionary.values.value(place))
            }
        }
    }

    /// Every column as names, but for those of `apart`, which are left empty. A column at a time: what a dictionary is known by stays
    /// at hand for all of its rows.
    pub fn names(&mut self, names: &mut Names, apart: &[usize]) -> Vec<Vec<Name>> {
        let columns = self.columns.iter_mut().enumerate();
        columns.map(|(place, column)| if apart.contains(&place) { Vec::new() } else { column.names(names) }).collect()
    }

    /// Gives the dictionaries back, for the next batch.
    pub fn close(self, dictionaries: &mut Dictionaries) {
        for column in self.columns {
            if let Column::Coded(name, _, dictionary) = column {
                dictionaries.by_column.insert(name, dictionary);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn batch(column: ArrayRef) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("kind", column.data_type().clone(), true)]);
        RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        let plain: StringArray = [Some("a"), None, Some("b"), Some("a"), Some("")].into_iter().collect();
        let dictionary: DictionaryArray<Int32Type> =
            [Some("a"), None, Some("b"), Some("a"), Some("")].into_iter().collect();
        let (mut names, mut dictionaries) = (Names::default(), Dictionaries::default());
        let mut read = |array: ArrayRef| {
            let batch = batch(array);
            let mut texts = Texts::open(&batch, &["kind"], &mut dictionaries).unwrap();
            let found = texts.names(&mut names, &[]).remove(0);
            let said: Vec<_> = (0..batch.num_rows()).map(|row| texts.text(0, row).map(str::to_owned)).collect();
            texts.close(&mut dictionaries);
            (found, said)
        };
        let (one, two) = (read(Arc::new(plain)), read(Arc::new(dictionary.clone())));
        assert_eq!(one, two);
        assert!(one.0[0].is_some() && one.0[0] == one.0[3] && one.0[0] != one.0[2]);
        assert!(one.0[1].is_none() && one.0[4].is_none());
        // Slices of one file share its dictionary; another file's is another one.
        assert_eq!(read(Arc::new(dictionary.slice(2, 2))).0, one.0[2..4]);
        let other: DictionaryArray<Int32Type> = [Some("b"), Some("a")].into_iter().collect();
        assert_eq!(read(Arc::new(other)).0, [one.0[2], one.0[0]]);
    }
}
