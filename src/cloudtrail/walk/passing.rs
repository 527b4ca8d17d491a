//! Records that are not asked for, passed over unread.

use super::super::record::Found;
use super::super::skim;
use super::super::wanted::Search;
use super::{State, Step, Walk};

impl Walk<'_> {
    /// Reads the wanted records of an envelope's array, which begins at `at`, and passes over the others. Where something is not
    /// as it should be, the usual way goes on from there.
    pub(super) fn pass_over(&mut self, buf: &[u8], at: usize) -> Step {
        let mut search = self.wanted.search(&buf[at..]);
        if search.is_hopeless() {
            self.desk.book.unread = true;
            self.state = State::Done;
            return Step::To(buf.len());
        }
        let mut places = std::mem::take(self.places);
        let end = skim::records(&buf[at..], 0, &mut places);
        let step = match end {
            Some(end) => self.read_wanted(buf, at, &places, &mut search, end),
            None => Step::To(at),
        };
        *self.places = places;
        step
    }

    /// Reads the wanted ones of the records at `places`, which count from `at`; their array ends at `end`.
    fn read_wanted(
        &mut self,
        buf: &[u8],
        at: usize,
        places: &[(usize, usize)],
        search: &mut Search<'_, '_>,
        end: usize,
    ) -> Step {
        for &(from, to) in places {
            if !search.may_want(from, to) {
                self.desk.book.records += 1;
                self.desk.book.undecoded += 1;
                continue;
            }
            let record = &buf[at + from..at + to];
            if self.slots.scan(record, false) != Ok(Found::Object(record.len())) {
                return Step::To(at + from);
            }
            self.desk.record(record, self.slots, true);
        }
        Step::To(at + end)
    }
}
