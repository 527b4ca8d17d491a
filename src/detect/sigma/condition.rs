//! Conditions of Sigma rules: names, `and`, `or`, `not`, parentheses, `1 of x*`, `all of them`.

use std::collections::BTreeMap;

use crate::words::pattern::like;

/// Nesting that no rule needs.
const DEEPEST: usize = 40;

/// Turns a condition into SQL, with the SQL of the selections it names.
pub fn translate(condition: &str, selections: &BTreeMap<String, String>) -> Result<String, String> {
    if condition.contains('|') {
        return Err("aggregations (|) are not supported".to_owned());
    }
    let spaced = condition.replace('(', " ( ").replace(')', " ) ");
    let mut reader = Reader { words: spaced.split_whitespace().collect(), at: 0, selections };
    let sql = reader.any(0)?;
    match reader.words.get(reader.at) {
        None => Ok(sql),
        Some(word) => Err(format!("'{word}' stands where the condition should end")),
    }
}

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    selections: &'a BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    fn takes(&mut self, word: &str) -> bool {
        let there = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn next(&mut self) -> Result<&'a str, String> {
        let word = self.words.get(self.at).copied().ok_or_else(|| "the condition ends too early".to_owned())?;
        self.at += 1;
        Ok(word)
    }

    fn any(&mut self, depth: usize) -> Result<String, String> {
        let mut sql = self.all(depth)?;
        while self.takes("or") {
            sql = format!("({sql} OR {})", self.all(depth)?);
        }
        Ok(sql)
    }

    fn all(&mut self, depth: usize) -> Result<String, String> {
        let mut sql = self.one(depth)?;
        while self.takes("and") {
            sql = format!("({sql} AND {})", self.one(depth)?);
        }
        Ok(sql)
    }

    fn one(&mut self, depth: usize) -> Result<String, String> {
        if depth > DEEPEST {
            return Err("the condition is nested too deeply".to_owned());
        }
        if self.takes("not") {
            return Ok(format!("(NOT {})", self.one(depth + 1)?));
        }
        if self.takes("(") {
            let sql = self.any(depth + 1)?;
            return if self.takes(")") { Ok(sql) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        let word = self.next()?;
        let joined = match word.to_ascii_lowercase().as_str() {
            "1" | "any" if self.takes("of") => " OR ",
            "all" if self.takes("of") => " AND ",
            _ => return self.selections.get(word).cloned().ok_or_else(|| format!("there is no selection '{word}'")),
        };
        let pattern = self.next()?;
        let them = pattern.eq_ignore_ascii_case("them");
        let wanted = |name: &str| if them { !name.starts_with('_') } else { like(pattern, name) };
        let found: Vec<&str> =
            self.selections.iter().filter(|(name, _)| wanted(name)).map(|(_, sql)| sql.as_str()).collect();
        if found.is_empty() {
            Err(format!("no selection is like '{pattern}'"))
        } else {
            Ok(format!("({})", found.join(joined)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_sql() {
        let names = [("selection_a", "a"), ("selection_b", "b"), ("filter", "f")];
        let names = names.iter().map(|(n, s)| ((*n).to_owned(), (*s).to_owned())).collect();
        let sql = |text: &str| translate(text, &names).unwrap_or_else(|why| why);
        assert_eq!(sql("selection_a and not filter"), "(a AND (NOT f))");
        assert_eq!(sql("selection_a or selection_b and filter"), "(a OR (b AND f))");
        assert_eq!(sql("(selection_a or selection_b) and not filter"), "((a OR b) AND (NOT f))");
        assert_eq!(sql("1 of selection_* and not 1 of filter*"), "((a OR b) AND (NOT (f)))");
        assert_eq!(sql("all of them"), "(f AND a AND b)");
        assert_eq!(sql("selection"), "there is no selection 'selection'");
        assert_eq!(sql("selection_a | count() > 5"), "aggregations (|) are not supported");
        assert_eq!(sql("(selection_a"), "a parenthesis is not closed");
        assert_eq!(sql("selection_a filter"), "'filter' stands where the condition should end");
        assert_eq!(sql(&"not ".repeat(100)), "the condition is nested too deeply");
    }
}
