//! Texts held once: linking compares hundreds of thousands of them, as numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A text held in `Names`; `Name::NONE` stands for no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name(u32);

impl Name {
    /// No text.
    pub const NONE: Name = Name(0);

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

impl Names {
    fn at(&self, place: u32) -> &str {
        let place = place as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.text[start..self.ends[place]]
    }

    /// Holds `text`; an empty text is no text.
    pub fn add(&mut self, text: Option<&str>) -> Name {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return Name::NONE };
        if let Some(name) = self.find(text) {
            return name;
        }
        let place = self.ends.len() as u32;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let (hasher, all, ends) = (&self.hasher, &self.text, &self.ends);
        let rehash = |&place: &u32| {
            let start = if place == 0 { 0 } else { ends[place as usize - 1] };
            hasher.hash_one(&all[start..ends[place as usize]])
        };
        self.places.insert_unique(hasher.hash_one(text), place, rehash);
        Name(place + 1)
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
