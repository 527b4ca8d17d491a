//! What a key tells; the rest of the room needs a network.

#[path = "../../src/source/layout.rs"]
pub mod layout;
