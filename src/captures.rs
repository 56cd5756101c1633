//! What the named groups of a rule's patterns caught of a line. No I/O, no clock.

use std::ops::Range;
use std::sync::Arc;

use crate::event::{Event, Texts};
use crate::pattern::{Pattern, Places};

/// Of more groups the texts are kept.
const PLACED_MAX: usize = 4;

/// A group that took no part.
const NOWHERE: (u32, u32) = (u32::MAX, u32::MAX);

/// Names and texts, in the order of the patterns; a group that took no part is absent.
#[derive(Debug, Clone, Default)]
pub struct Captures(Kept);

#[derive(Debug, Clone, Default)]
enum Kept {
    #[default]
    Nothing,
    /// Places in the line of the event, of which nothing is copied. Walks take whole characters: each is UTF-8.
    Placed {
        names: Arc<[Arc<str>]>,
        places: [(u32, u32); PLACED_MAX],
    },
    Texts(Texts),
}

impl Captures {
    /// None.
    pub const NONE: &Self = &Self(Kept::Nothing);

    /// What the groups of `pattern` caught of the line of an event, at the `places` that [`Pattern::see`] told.
    pub fn of_line(pattern: &Pattern, places: &Places, line: &[u8]) -> Self {
        let names = &pattern.names;
        if names.is_empty() {
            return Self::default();
        }
        let groups = || (0..names.len()).map(|group| places.group(group));
        if names.len() <= PLACED_MAX {
            let mut placed = [NOWHERE; PLACED_MAX];
            for (kept, place) in placed.iter_mut().zip(groups()) {
                *kept = place.map_or(NOWHERE, |place| (place.start as u32, place.end as u32));
            }
            return Self(Kept::Placed { names: names.clone(), places: placed });
        }
        let text = |place: Range<usize>| Arc::from(String::from_utf8_lossy(&line[place]));
        let texts = names.iter().zip(groups());
        texts.filter_map(|(name, place)| Some((name.clone(), text(place?)))).collect::<Texts>().into()
    }

    /// All of them; `event` is the one that they were caught of.
    pub fn of<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = (&'a Arc<str>, &'a str)> {
        let (placed, texts): (&[Arc<str>], &[_]) = match &self.0 {
            Kept::Nothing => (&[], &[]),
            Kept::Placed { names, .. } => (names, &[]),
            Kept::Texts(texts) => (&[], texts),
        };
        let placed =
            placed.iter().enumerate().filter_map(|(group, name)| Some((name, self.placed(group, event)?)));
        placed.chain(texts.iter().map(|(name, text)| (name, &**text)))
    }

    fn placed<'a>(&self, group: usize, event: &'a Event) -> Option<&'a str> {
        let Kept::Placed { places, .. } = &self.0 else { return None };
        let (start, end) = *places.get(group).filter(|place| **place != NOWHERE)?;
        std::str::from_utf8(event.line.get(start as usize..end as usize)?).ok()
    }

    /// The text of the group of that name.
    pub fn find<'a>(&'a self, name: &str, event: &'a Event) -> Option<&'a str> {
        self.of(event).find(|(known, _)| ***known == *name).map(|(_, text)| text)
    }

    /// The same as texts.
    pub fn texts(&self, event: &Event) -> Texts {
        self.of(event).map(|(name, text)| (name.clone(), text.into())).collect()
    }
}

impl From<Texts> for Captures {
    fn from(texts: Texts) -> Self {
        Self(if texts.is_empty() { Kept::Nothing } else { Kept::Texts(texts) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Origin, Parse, Shape};
    use crate::pattern::{On, Seen, Text};
    use crate::time::Time;

    /// What is caught of `line`, and whether it is kept as places.
    fn caught(pattern: &str, line: &[u8]) -> (String, bool) {
        let (pattern, mut places) = (Pattern::new(On::Line, pattern).unwrap(), Places::default());
        assert_eq!(pattern.see(&Text::new(line), &mut places), Seen::Caught);
        let captures = Captures::of_line(&pattern, &places, line);
        let event = Event {
            origin: Arc::new(Origin { input: "a".into(), file: None, stream: None, labels: Texts::new() }),
            line: line.into(),
            truncated: false,
            time: Time::EPOCH,
            parse: Parse::Text,
            shape: Shape::default(),
        };
        let shown: Vec<String> = captures.of(&event).map(|(name, text)| format!("{name}={text}")).collect();
        let texts = captures.texts(&event);
        assert_eq!(texts.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>(), shown);
        (shown.join(" "), matches!(captures.0, Kept::Placed { .. }))
    }

    #[test]
    fn captures_are_places_where_they_can_be() {
        for (pattern, line, shown, placed) in [
            (r"(?P<a>\w+) (?P<b>x)?(?P<c>\d)", &b"-eve 7"[..], "a=eve c=7", true),
            (r"(?P<a>\w+) (?P<b>\d)", "\u{fffd}für 7".as_bytes(), "a=für b=7", true),
            (r"(?P<a>\w+) (?P<b>.)", b"\xff\xc3b \xf0\x9f\x9a\x80\xff", "a=b b=\u{1f680}", true),
            ("x", b"x", "", false),
            ("(?P<a>x)(?P<b>x)(?P<c>x)(?P<d>x)(?P<e>x)?", b"xxxx", "a=x b=x c=x d=x", false),
        ] {
            assert_eq!(caught(pattern, line), (shown.to_owned(), placed), "{pattern}");
        }
    }
}
