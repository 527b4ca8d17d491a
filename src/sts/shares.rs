//! Work on many rows, divided among the cores.

/// Fewer rows than these are done before threads have started.
const FEW: usize = 50_000;

/// How many of so many rows a core takes: all where they are few, else an equal share; never none.
pub fn share(rows: usize) -> usize {
    let threads = if rows < FEW { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    rows.div_ceil(threads).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_rows() {
        assert_eq!((share(0), share(9)), (1, 9));
        let each = share(FEW * 3 + 1);
        assert!(each * std::thread::available_parallelism().map_or(1, usize::from) > FEW * 3);
    }
}
