//! Texts held once: linking compares hundreds of thousands of them, as numbers.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// A text held in `Names`; `Name::NONE` stands for no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name(u32);

impl Name {
    /// No text.
    pub const NONE: Name = Name(0);

    /// Its number: 0 for no text, then in the order of first sight.
    pub fn number(self) -> usize {
        self.0 as usize
    }

    /// Whether there is a text.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// This text, else another.
    pub fn or(self, other: Name) -> Name {
        if self.is_some() { self } else { other }
    }
}

/// The texts.
#[derive(Debug, Default)]
pub struct Names {
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    /// Where each text ends in `text`; it starts where the one before ends.
    ends: Vec<usize>,
    text: String,
}

/// Where a text stands; `ends` says where each ends, and it starts where the one before ends.
fn range(ends: &[usize], place: u32) -> std::ops::Range<usize> {
    let place = place as usize;
    let start = if place == 0 { 0 } else { ends[place - 1] };
    start..ends[place]
}

impl Names {
    fn at(&self, place: u32) -> &str {
        &self.text[range(&self.ends, place)]
    }

    /// With room for so many texts that are looked up again: the table grows by copies of itself otherwise.
    pub fn with_room(texts: usize) -> Self {
        let mut names = Self::default();
        names.places.reserve(texts, |_| 0);
        names
    }

    /// How many texts are held.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Holds a text that nothing is compared with: it is not looked up, and the same text has another name every time.
    pub fn keep(&mut self, text: Option<&str>) -> Name {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return Name::NONE };
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Name(self.ends.len() as u32)
    }

    /// Holds `text`; an empty text is no text.
    pub fn add(&mut self, text: Option<&str>) -> Name {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return Name::NONE };
        let Self { hasher, places, ends, text: all } = self;
        let same = |&place: &u32| &all[range(ends, place)] == text;
        let rehash = |&place: &u32| hasher.hash_one(&all[range(ends, place)]);
        match places.entry(hasher.hash_one(text), same, rehash) {
            Entry::Occupied(there) => Name(there.get() + 1),
            Entry::Vacant(free) => {
                let place = ends.len() as u32;
                free.insert(place);
                all.push_str(text);
                ends.push(all.len());
                Name(place + 1)
            }
        }
    }

    /// The name of `text`, where it is held.
    pub fn find(&self, text: &str) -> Option<Name> {
        let found = self.places.find(self.hasher.hash_one(text), |&place| self.at(place) == text);
        found.map(|&place| Name(place + 1))
    }

    /// The text.
    pub fn get(&self, name: Name) -> Option<&str> {
        name.0.checked_sub(1).map(|place| self.at(place))
    }

    /// The text, else an empty one.
    pub fn text(&self, name: Name) -> &str {
        self.get(name).unwrap_or_default()
    }
}
