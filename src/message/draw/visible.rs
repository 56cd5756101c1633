//! Characters that would act instead of being seen.

/// Appends `c` to `out` so that it is seen and does nothing: a control or direction character as its code, our own
/// zero-width characters not at all. A newline stays, a tab becomes spaces.
pub(super) fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push('\n'),
        '\t' => out.push_str("    "),
        '\u{200b}' | '\u{2060}' => {}
        c if c.is_control() && u32::from(c) < 0x100 => {
            out.push_str(&format!("\\x{:02x}", u32::from(c)));
        }
        c if acts(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// All of `text` with the characters shown that would act in a terminal or on a page: escape sequences, overrides of
/// direction. Newlines stay.
pub fn all(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// Marks and overrides of direction, line separators, the byte order mark, and the invisible tags.
fn acts(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || c.is_control()
}
