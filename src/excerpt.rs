//! The beginning and the end of a long text: as much of it as an alert keeps and redaction looks at.

/// What is kept of a text's beginning, in bytes.
pub const HEAD_BYTES: usize = 6 * 1024;

/// What is kept of its end.
pub const TAIL_BYTES: usize = 2 * 1024;

/// The two ends of `text`, cut between characters; `None`: all of it is kept.
pub fn ends(text: &str) -> Option<(&str, &str)> {
    if text.len() <= HEAD_BYTES + TAIL_BYTES {
        return None;
    }
    let whole = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=HEAD_BYTES).rev().find(whole).unwrap_or(0);
    let tail = (text.len() - TAIL_BYTES..=text.len()).find(whole).unwrap_or(text.len());
    Some((&text[..head], &text[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_long_text_are_kept_between_characters() {
        assert_eq!(ends(&"x".repeat(HEAD_BYTES + TAIL_BYTES)), None);
        let long = "é".repeat(HEAD_BYTES);
        let odd = format!("x{long}");
        for text in [long, odd] {
            let (head, tail) = ends(&text).unwrap();
            assert!(text.starts_with(head) && head.len() + 2 > HEAD_BYTES && head.len() <= HEAD_BYTES);
            assert!(text.ends_with(tail) && tail.len() + 2 > TAIL_BYTES && tail.len() <= TAIL_BYTES);
        }
    }
}
