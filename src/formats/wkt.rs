//! The well-known text of a CRS (WKT 1, as GDAL prints it), taken apart: which datum, which projection, which units. Nothing is concluded from it here.

/// `KEYWORD[…]`, with what stands in the brackets.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Node {
    /// Upper case.
    pub keyword: String,
    /// Texts in quotes, in order.
    pub texts: Vec<String>,
    /// Numbers, in order.
    pub numbers: Vec<f64>,
    /// What is in brackets within.
    pub inner: Vec<Node>,
}

/// Brackets within brackets that are looked into: a compound CRS has six.
const DEEPEST: usize = 16;

impl Node {
    /// Reads a text; none where it is not well-known text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let node = node(&mut rest, 0)?;
        rest.trim().is_empty().then_some(node)
    }

    /// The name of what it tells.
    pub fn name(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }

    /// The first of that keyword right inside.
    pub fn child(&self, keyword: &str) -> Option<&Self> {
        self.inner.iter().find(|node| node.keyword == keyword)
    }

    /// The first of that keyword, itself included, however deep.
    pub fn find(&self, keyword: &str) -> Option<&Self> {
        if self.keyword == keyword { Some(self) } else { self.inner.iter().find_map(|node| node.find(keyword)) }
    }

    /// The number of the `PARAMETER` of that name, in any case.
    pub fn parameter(&self, name: &str) -> Option<f64> {
        let of_name = |node: &&Self| node.keyword == "PARAMETER" && node.name().eq_ignore_ascii_case(name);
        self.inner.iter().find(of_name).and_then(|node| node.numbers.first()).copied()
    }

    /// How many of the base unit its own unit is: metres or radians; none where it names none.
    pub fn unit(&self) -> Option<f64> {
        self.child("UNIT").and_then(|unit| unit.numbers.first()).copied()
    }
}

fn node(rest: &mut &str, depth: usize) -> Option<Node> {
    let open = rest.find(['[', '('])?;
    let keyword = rest[..open].trim();
    if depth > DEEPEST || keyword.is_empty() || !keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let mut node = Node { keyword: keyword.to_ascii_uppercase(), ..Node::default() };
    *rest = &rest[open + 1..];
    loop {
        *rest = rest.trim_start();
        match rest.chars().next()? {
            ']' | ')' => {
                *rest = &rest[1..];
                return Some(node);
            }
            ',' => *rest = &rest[1..],
            '"' => node.texts.push(quoted(rest)?),
            _ => {
                let end = rest.find([',', '[', '(', ']', ')'])?;
                if matches!(rest.as_bytes()[end], b'[' | b'(') {
                    node.inner.push(self::node(rest, depth + 1)?);
                } else {
                    // A bare word, as an axis has for its direction, says nothing that is asked for.
                    node.numbers.extend(rest[..end].trim().parse::<f64>().ok());
                    *rest = &rest[end..];
                }
            }
        }
    }
}

/// A text in quotes, in which a quote is written twice.
fn quoted(rest: &mut &str) -> Option<String> {
    let mut text = String::new();
    loop {
        *rest = &rest[1..];
        let end = rest.find('"')?;
        text.push_str(&rest[..end]);
        *rest = &rest[end + 1..];
        if !rest.starts_with('"') {
            return Some(text);
        }
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_texts_and_numbers_are_told_apart() {
        let node = Node::parse(
            r#"PROJCS["a ""b"", [c]", geogcs["d",DATUM["e",SPHEROID["f",6378137,298.25]]],UNIT["metre",1],AXIS["X",EAST],PARAMETER["Scale_Factor",1.5]]"#,
        )
        .unwrap();
        assert_eq!((node.keyword.as_str(), node.name()), ("PROJCS", r#"a "b", [c]"#));
        assert_eq!(node.find("SPHEROID").unwrap().numbers, [6_378_137.0, 298.25]);
        assert_eq!((node.unit(), node.parameter("scale_factor"), node.parameter("false_easting")), (Some(1.0), Some(1.5), None));
        assert_eq!(node.child("DATUM"), None, "deeper than a child");
    }

    #[test]
    fn what_is_no_well_known_text_is_none() {
        for text in ["", "EPSG:4490", "GEOGCS[", "GEOGCS[\"a", "GEOGCS[\"a\"]]", "[\"a\"]", &"A[".repeat(1000)] {
            assert_eq!(Node::parse(text), None, "{text}");
        }
    }
}
