//! Lines for people. What stands in files and is shown here may hold characters that a terminal obeys: they are shown as `�`.

use std::fmt::Arguments;
use std::io::{self, Write};

/// A line to standard output.
pub(super) fn print(line: Arguments<'_>) -> io::Result<()> {
    write(io::stdout().lock(), line)
}

/// A line to standard error.
pub(super) fn complain(line: Arguments<'_>) -> io::Result<()> {
    write(io::stderr().lock(), line)
}

fn write(mut out: impl Write, line: Arguments<'_>) -> io::Result<()> {
    let mut line = plain(&line.to_string());
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// The text without what moves a cursor, changes colours or titles, or turns the direction of writing.
fn plain(text: &str) -> String {
    let is_obeyed =
        |c: char| c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_obeyed(c) { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        let mut out = Vec::new();
        write(&mut out, format_args!("{}\n\t费县", "a\u{1b}]0;title\u{7}\rb\u{9b}31m\u{202e}c")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a�]0;title��b�31m�c\n\t费县\n");
    }
}
