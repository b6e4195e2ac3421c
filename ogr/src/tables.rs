//! A GeoPackage is an SQLite database, and SQLite computes what a view, a virtual table or a generated column says: 28 kB of it can keep a reader busy for ever. So
//! the schema is looked at before GDAL opens the file, and only plain tables are read. The third place with `unsafe`: SQLite's C functions, of the library that
//! GDAL itself uses.
//!
//! What makes it sound: a connection and a statement are each owned by one value, which closes them on `Drop`; a statement borrows its connection; text that SQLite
//! lends is copied out before the next call.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use tuban_ogr_protocol::{Bounds, Trouble};

type Callback = unsafe extern "C" fn(*mut c_void, *mut *mut c_char, *const c_void) -> c_int;

#[link(name = "sqlite3")]
unsafe extern "C" {
    fn sqlite3_auto_extension(callback: Option<Callback>) -> c_int;
    fn sqlite3_limit(db: *mut c_void, id: c_int, value: c_int) -> c_int;
    fn sqlite3_open_v2(name: *const c_char, db: *mut *mut c_void, flags: c_int, vfs: *const c_char) -> c_int;
    fn sqlite3_close_v2(db: *mut c_void) -> c_int;
    fn sqlite3_prepare_v2(db: *mut c_void, sql: *const c_char, bytes: c_int, statement: *mut *mut c_void, tail: *mut *const c_char) -> c_int;
    fn sqlite3_step(statement: *mut c_void) -> c_int;
    fn sqlite3_column_text(statement: *mut c_void, column: c_int) -> *const c_char;
    fn sqlite3_finalize(statement: *mut c_void) -> c_int;
    fn sqlite3_errmsg(db: *mut c_void) -> *const c_char;
}

const OK: c_int = 0;
const ROW: c_int = 100;
const DONE: c_int = 101;
/// To be read, by a name that is a URI.
const OPEN: c_int = 1 | 0x40;
/// Bytes of a text or blob.
const LIMIT_LENGTH: c_int = 0;
/// Bytes of a statement.
const LIMIT_SQL_LENGTH: c_int = 1;
/// No definition of a table is longer, bytes.
const LONGEST_SQL: c_int = 1 << 20;

/// Longest value of every connection that is opened from here on, bytes.
static LENGTH: AtomicI32 = AtomicI32::new(c_int::MAX);

/// Bounds what one value of any database that is opened from here on may take: SQLite's own bound is a thousand million bytes, and `zeroblob` takes them.
pub fn bound(bounds: &Bounds) {
    LENGTH.store(c_int::try_from(bounds.text_bytes.saturating_add(bounds.vertices.saturating_mul(16))).unwrap_or(c_int::MAX), Ordering::Relaxed);
    // SAFETY: the callback has the signature that SQLite calls it by, and touches nothing but the connection.
    unsafe { sqlite3_auto_extension(Some(limit)) };
}

/// Called by SQLite for each new connection.
unsafe extern "C" fn limit(db: *mut c_void, _message: *mut *mut c_char, _api: *const c_void) -> c_int {
    // SAFETY: SQLite gives a connection that is open.
    unsafe {
        sqlite3_limit(db, LIMIT_LENGTH, LENGTH.load(Ordering::Relaxed));
        sqlite3_limit(db, LIMIT_SQL_LENGTH, LONGEST_SQL);
    }
    OK
}

/// Names that GDAL reads without being asked to.
const OWN: [&str; 3] = ["gpkg", "layer_styles", "sqlite_"];

/// A table with a column that is computed whenever it is read.
const COMPUTED: &CStr = c"SELECT m.name, '', '', '' FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS x WHERE m.type = 'table' AND x.hidden = 2 LIMIT 1";

/// Refuses a GeoPackage with anything but plain tables where GDAL will read.
pub fn check(path: &Path) -> Result<(), Trouble> {
    let db = Connection::open(path)?;
    let objects = db.rows(c"SELECT name, tbl_name, type, sql FROM sqlite_master")?;
    let kinds: Vec<(String, Kind)> = objects.iter().map(|[name, of, kind, sql]| (name.to_lowercase(), Kind::of(sql, kind, of))).collect();
    let refuse = |code, name: &str| Err(Trouble::new(code, name.chars().filter(|c| !c.is_control()).take(80).collect::<String>()));
    if let Some((name, kind)) = kinds.iter().find(|(name, kind)| kind.is_never_read() || *kind == Kind::View && OWN.iter().any(|own| name.starts_with(own))) {
        return refuse(kind.code(), name);
    }
    // Before rows of any table are read: a column may be computed, too.
    if let Some([name, ..]) = db.rows(COMPUTED)?.first() {
        return refuse("computed_column", name);
    }
    let listings = [
        ("gpkg_contents", c"SELECT table_name, '', '', '' FROM gpkg_contents"),
        ("gpkg_geometry_columns", c"SELECT table_name, '', '', '' FROM gpkg_geometry_columns"),
    ];
    for (_, names) in listings.iter().filter(|(listing, _)| kinds.iter().any(|(name, _)| name == listing)) {
        for [listed, ..] in db.rows(names)? {
            let listed = listed.to_lowercase();
            if let Some((name, kind)) = kinds.iter().find(|(name, kind)| *name == listed && *kind == Kind::View) {
                return refuse(kind.code(), name);
            }
        }
    }
    Ok(())
}

/// What an entry of the schema defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A table, an index, or a trigger that only writing fires.
    Plain,
    View,
    /// A virtual table other than an R-tree, which a GeoPackage has as index.
    Virtual,
    /// A trigger of what lists the tables.
    Trigger,
    /// What says that it is a table and is none.
    Disguised,
}

impl Kind {
    /// By its statement: the type beside it can be made to lie.
    fn of(sql: &str, kind: &str, table: &str) -> Self {
        let words = words(sql);
        let word = |index: usize| words.get(index).map_or("", String::as_str);
        match word(1) {
            "virtual" => {
                let module = words.iter().position(|word| word == "using").map_or("", |using| word(using + 1));
                if module == "rtree" { Self::Plain } else { Self::Virtual }
            }
            "trigger" if ["gpkg_contents", "gpkg_geometry_columns"].iter().any(|listing| table.eq_ignore_ascii_case(listing)) => Self::Trigger,
            "table" | "index" | "unique" | "trigger" | "" => Self::Plain,
            _ if kind == "view" => Self::View,
            _ => Self::Disguised,
        }
    }

    fn is_never_read(self) -> bool {
        matches!(self, Self::Virtual | Self::Trigger | Self::Disguised)
    }

    fn code(self) -> &'static str {
        match self {
            Self::Virtual => "virtual_table",
            Self::Trigger => "listing_trigger",
            _ => "view",
        }
    }
}

/// The first words of a statement, in lower case, without comments; enough to see what it makes.
fn words(sql: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), sql);
    while words.len() < 16 {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '`' | '\'' | '[')) {
            // A quoted name is no keyword, whatever it says.
            let close = if quote == '[' { ']' } else { quote };
            rest = rest[1..].split_once(close).map_or("", |(_, after)| after);
            words.push(String::new());
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            if end > 0 {
                words.push(rest[..end].to_lowercase());
            }
            rest = rest.get(end.max(rest.chars().next().map_or(0, char::len_utf8))..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
        }
    }
    words
}

/// An open database.
struct Connection(*mut c_void);

impl Connection {
    /// Opens a database to be read. Nobody writes to it, and what a log beside it says is not read: as GDAL does where it can do no other.
    fn open(path: &Path) -> Result<Self, Trouble> {
        let escaped = |byte: &u8| if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
        let name: String = path.as_os_str().as_encoded_bytes().iter().map(escaped).collect();
        let name = CString::new(format!("file:{name}?immutable=1")).map_err(|error| Trouble::new("job", error))?;
        let mut db = std::ptr::null_mut();
        // SAFETY: the name ends in a zero; SQLite gives a handle even where it fails, which is closed by `Drop`.
        let opened = unsafe { sqlite3_open_v2(name.as_ptr(), &raw mut db, OPEN, std::ptr::null()) };
        let db = Self(db);
        if opened == OK { Ok(db) } else { Err(db.trouble()) }
    }

    /// Why the last call failed.
    fn trouble(&self) -> Trouble {
        // SAFETY: the connection is open, or failed to open, or null, for each of which SQLite has a text; it is copied at once.
        Trouble::new("cannot_open", unsafe { CStr::from_ptr(sqlite3_errmsg(self.0)) }.to_string_lossy())
    }

    /// Rows of four texts. What cannot be looked at whole is not looked at.
    fn rows(&self, sql: &CStr) -> Result<Vec<[String; 4]>, Trouble> {
        let mut statement = std::ptr::null_mut();
        // SAFETY: the connection is open; the text ends in a zero; the statement is finalized by `Drop`, before the connection can be closed.
        let prepared = unsafe { sqlite3_prepare_v2(self.0, sql.as_ptr(), -1, &raw mut statement, std::ptr::null_mut()) };
        let statement = Statement { statement, connection: PhantomData::<&Self> };
        if prepared != OK {
            return Err(self.trouble());
        }
        let mut rows = Vec::new();
        loop {
            // SAFETY: the statement was prepared.
            match unsafe { sqlite3_step(statement.statement) } {
                ROW => rows.push([0, 1, 2, 3].map(|column| statement.text(column))),
                DONE => return Ok(rows),
                _ => return Err(self.trouble()),
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once; null is no error.
        unsafe { sqlite3_close_v2(self.0) };
    }
}

struct Statement<'c> {
    statement: *mut c_void,
    connection: PhantomData<&'c Connection>,
}

impl Statement<'_> {
    /// A column of the row that it stands at.
    fn text(&self, column: c_int) -> String {
        // SAFETY: the statement stands at a row that has four columns; the text is copied at once.
        unsafe {
            let text = sqlite3_column_text(self.statement, column);
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: prepared once, finalized once; null is no error.
        unsafe { sqlite3_finalize(self.statement) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_makes_is_seen_through_comments_and_quotes() {
        for (sql, kind, table, is) in [
            ("CREATE TABLE a (b)", "table", "a", Kind::Plain),
            ("CREATE VIEW a AS SELECT 1", "view", "a", Kind::View),
            ("cReAtE /* TABLE */ view a AS SELECT 1", "table", "a", Kind::Disguised),
            ("CREATE--TABLE\nVIEW a AS SELECT 1", "view", "a", Kind::View),
            ("CREATE TEMP VIEW a AS SELECT 1", "view", "a", Kind::View),
            ("CREATE VIRTUAL TABLE \"rtree_a_geom\" USING rtree(id, minx, maxx)", "table", "rtree_a_geom", Kind::Plain),
            ("CREATE VIRTUAL TABLE \"using rtree\" USING fts5(a)", "table", "x", Kind::Virtual),
            ("CREATE VIRTUAL TABLE [a] /* USING rtree */ USING csv(a)", "table", "a", Kind::Virtual),
            ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END", "trigger", "a", Kind::Plain),
            ("CREATE TRIGGER t AFTER INSERT ON gpkg_contents BEGIN SELECT 1; END", "trigger", "GPKG_contents", Kind::Trigger),
            ("", "index", "a", Kind::Plain),
        ] {
            assert_eq!(Kind::of(sql, kind, table), is, "{sql}");
        }
    }
}
