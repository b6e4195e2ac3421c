//! Tables as spreadsheets write them.

use super::*;

const LINES: &str = "编号,判定,面积\nA1,合法,1.5\n\n \nA2,违法,2\n";

fn all(heading: &[String]) -> Option<Vec<usize>> {
    heading.iter().any(|text| text == "编号").then(|| (0..heading.len()).collect())
}

fn rows(bytes: &[u8]) -> Vec<(u64, Vec<Option<Cell>>)> {
    read(bytes, &all).unwrap().rows.into_iter().map(|row| (row.number, row.cells)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "as the cells of a row are")]
fn text(text: &str) -> Option<Cell> {
    Some(Cell::Text(text.to_owned()))
}

fn code(bytes: &[u8]) -> &'static str {
    match read(bytes, &all).unwrap_err() {
        ReadError::Refused(refusal) => refusal.code,
        other => panic!("{other}"),
    }
}

#[test]
fn a_table_reads_the_same_in_every_encoding_and_delimiter_and_blank_rows_keep_their_numbers() {
    let expected = vec![(2, vec![text("A1"), text("合法"), text("1.5")]), (5, vec![text("A2"), text("违法"), text("2")])];
    let utf16 = |order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        format!("{mark}{LINES}").encode_utf16().flat_map(order).collect()
    };
    // Oracle for GBK: encoding_rs, whose tables are those of the WHATWG standard.
    let gbk = encoding_rs::GBK.encode(LINES).0.into_owned();
    for bytes in [
        LINES.as_bytes().to_vec(),
        format!("\u{feff}{LINES}").into_bytes(),
        gbk,
        utf16(u16::to_le_bytes, true),
        utf16(u16::to_le_bytes, false),
        utf16(u16::to_be_bytes, true),
        utf16(u16::to_be_bytes, false),
        LINES.replace(',', "\t").into_bytes(),
        LINES.replace(',', ";").into_bytes(),
        LINES.replace('\n', "\r\n").into_bytes(),
        LINES.replace('\n', "\r").into_bytes(),
    ] {
        assert_eq!(rows(&bytes), expected, "{:?}", String::from_utf8_lossy(&bytes));
    }
    let told = format!("sep=;\n{}", LINES.replace(',', ";"));
    assert_eq!(rows(told.as_bytes()).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 6]);
}

#[test]
fn quotes_hold_delimiters_and_ends_of_lines_and_a_title_may_stand_above() {
    let table = "2022年4月核查表,,\n编号,备注\n\"A,1\",\"一\n二\"\"三\"\nA2,\n'=A3,x,beyond\n";
    let read = read(table.as_bytes(), &all).unwrap();
    assert_eq!(read.heading, ["编号", "备注"]);
    assert_eq!(read.rows[0].cells, [text("A,1"), text("一\n二\"三")]);
    // The quoted end of a line makes no row of the spreadsheet.
    assert_eq!(read.rows.iter().map(|row| (row.number, row.beyond)).collect::<Vec<_>>(), [(3, false), (4, false), (5, true)]);
    assert_eq!(read.rows[2].cells[0], text("=A3"), "without the apostrophe of our own exports");
}

#[test]
fn what_is_no_table_is_told() {
    assert_eq!(code(b""), "no_heading");
    assert_eq!(code(b"a,b\n1,2\n"), "no_heading");
    assert_eq!(code(b"\x00\x01\x02\x00\x03"), "not_a_table");
    assert_eq!(code("编号,备注\nA,\"open\n".as_bytes()), "unclosed_quote");
    assert_eq!(code(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "old_excel");
    assert_eq!(code(b"PK\x03\x04 and no archive"), "not_a_table");
    assert_eq!(code("编号\n".as_bytes().iter().copied().chain([0xff, 0xff, b'\n']).collect::<Vec<_>>().as_slice()), "encoding");
    let many = format!("编号\n{}", "A\n".repeat(CELLS + 1));
    assert_eq!(code(many.as_bytes()), "table_too_large");
}

mod workbooks {
    use super::*;
    use rust_xlsxwriter::{Formula, Workbook};
    use std::io::{Cursor, Write};

    fn book(fill: impl Fn(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("说明").unwrap().write_string(0, 0, "请填第二张表").unwrap();
        fill(book.add_worksheet().set_name("图斑").unwrap());
        book.save_to_buffer().unwrap()
    }

    #[test]
    fn cells_are_what_they_are_kept_as_and_the_sheet_with_the_heading_is_read() {
        let bytes = book(|sheet| {
            sheet.write_string(1, 0, "编号").unwrap();
            sheet.write_string(1, 1, "面积").unwrap();
            sheet.write_string(2, 0, " 0371 ").unwrap();
            sheet.write_number(2, 1, 1.25).unwrap();
            sheet.write_number(5, 0, 371_302_000_043.0).unwrap();
            sheet.write_formula(5, 1, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
            sheet.write_boolean(6, 1, true).unwrap();
        });
        assert_eq!(
            rows(&bytes),
            [
                (3, vec![text("0371"), Some(Cell::Number(1.25))]),
                (6, vec![Some(Cell::Number(371_302_000_043.0)), Some(Cell::Odd("#DIV/0!".to_owned()))]),
                (7, vec![None, text("是")]),
            ]
        );
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_read() {
        let bomb = |parts: usize, size: usize| {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for part in 0..parts {
                archive.start_file(format!("xl/{part}.xml"), zip::write::SimpleFileOptions::default()).unwrap();
                archive.write_all(&vec![b' '; size]).unwrap();
            }
            archive.finish().unwrap().into_inner()
        };
        assert_eq!(code(&bomb(1, 65 << 20)), "table_too_large", "a part");
        assert_eq!(code(&bomb(1001, 1)), "table_too_large", "many parts");
        assert_eq!(code(&bomb(3, 20 << 20)), "table_too_large", "the ratio of all parts");
    }
}
