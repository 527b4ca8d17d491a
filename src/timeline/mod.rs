//! From an anchor to the whole story: the sessions that belong together, what they did, what they left, what is still open.
//!
//! Asks the engine's tables and walks in memory; writes nothing but the case folder it is told to write. `walk` decides what
//! belongs to a case, `case` fills it in, one file a format tells it.

mod after;
pub mod anchor;
mod case;
mod contain;
mod created;
mod deeds;
mod departure;
mod events;
mod evidence;
pub mod finding;
mod fingerprint;
pub mod folder;
mod keys;
mod lanes;
mod load;
mod owner;
mod page;
mod rows;
mod runs;
pub mod screen;
mod seeds;
mod split;
mod text;
mod verdict;
mod walk;

use crate::error::Result;
use crate::sql::session::Engine;

use case::Case;
use load::Sessions;
use rows::Book;
use screen::Story;
use seeds::Understood;
use walk::Walk;

/// What is asked. Times are microseconds.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The anchors, as typed.
    pub anchors: Vec<String>,
    /// Sessions and calls from this time on.
    pub since: Option<i64>,
    /// Up to this time.
    pub until: Option<i64>,
    /// The time that "still valid" refers to; the logs' end where none is given.
    pub at: Option<i64>,
    /// Rounds sideways.
    pub expand: u32,
}

/// Tells the story. Anchors that name nothing are in `case.anchors`, with what is near.
///
/// # Errors
/// The tables cannot be asked.
pub async fn tell(engine: &Engine, request: &Request) -> Result<Story> {
    let book = Book::new(engine);
    let named = fingerprint::resolve(&book, &request.anchors).await?;
    let since = request.since.or(named.since);
    let mut asked = seeds::asked(&book, &named.anchors).await?;
    // Walks until nothing is needed that was not among the sessions: each walk says what it looked for.
    loop {
        let sessions = Sessions::load(&book, &asked).await?;
        let seeds = seeds::find(&book, &sessions, &named, since, request.until).await?;
        let walk = Walk::new(&book, &sessions, &seeds, request.expand).await?;
        if asked.add(sessions.asked()) {
            continue;
        }
        let case = Case::assemble(&book, &walk, &seeds, request.at, request.until).await?;
        let steps = contain::steps(&case, &sessions);
        if asked.add(sessions.asked()) {
            continue;
        }
        let (verdict, blast) = (verdict::verdict(&case), verdict::blast(&case));
        let blind = verdict::blind(&case, engine).await?;
        return Ok(Story { case, verdict, blast, steps, blind, since: None });
    }
}

/// The anchors that name nothing.
pub fn missing(story: &Story) -> impl Iterator<Item = &Understood> {
    story.case.anchors.iter().filter(|anchor| anchor.is_missing())
}
