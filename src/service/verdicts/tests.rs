//! Tables of verdicts as offices send them.

use super::*;
use tuban_engine::model::Verdict;

const HEADER: &str = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n";

fn filled(table: &str) -> Filled {
    read(table.as_bytes(), None).unwrap()
}

/// Row, pointer and English reason of each fault.
fn faults(rows: &str) -> Vec<(u64, String, String)> {
    filled(&format!("{HEADER}{rows}")).rejects.into_iter().map(|reject| (reject.row, reject.pointer, reject.reason.en)).collect()
}

fn areas(table: &str) -> Vec<(String, Verdict, [f64; 4])> {
    let Filled { filings, rejects, .. } = filled(table);
    assert_eq!(rejects, [], "{table}");
    filings.into_iter().map(|read| (read.new.filing.patch_id.clone(), read.new.filing.verdict, read.new.filing.areas_m2())).collect()
}

fn why(table: &str) -> String {
    match read(table.as_bytes(), None).unwrap_err() {
        ServiceError::Refused(refusal) => refusal.words.zh,
        other => panic!("{other}"),
    }
}

#[test]
fn good_rows_are_read_whatever_the_order_of_columns() {
    let table = "\u{feff}verdict,patch_id,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nillegal,A1,10,5,2.5,1\n";
    assert_eq!(areas(table), [("A1".to_owned(), Verdict::Illegal, [10.0, 5.0, 2.5, 1.0])]);
}

#[test]
fn units_stand_in_the_heading_and_words_are_chinese() {
    // Oracle: 1 亩 = 10 000/15 m², 1 公顷 = 10 000 m².
    let table = "监测图斑编号,核查结果,合法面积（亩）,其中合法耕地（亩）,违法面积(公顷),违法耕地面积(㎡)\nA1,违法,１.5,0,0.01,\"1,00.5\"\n";
    assert_eq!(filled(table).rejects.len(), 1, "commas must stand between thousands");
    let table = table.replace("\"1,00.5\"", "100.5").replace("0.01", "0.0101");
    assert_eq!(areas(&table), [("A1".to_owned(), Verdict::Illegal, [1_000.0, 0.0, 101.0, 100.5])]);
    let table = format!("{HEADER}A1,其它,,,,\nA2,存疑,,,,\nA3,合法,\"1,234.5\",0,,\nA4,未核,,,,\nA5,,0,0,0,0\n合计,,1234.5,0,,\n");
    let read = filled(&table);
    assert_eq!(
        areas(&table).iter().map(|(id, verdict, areas)| (id.as_str(), *verdict, areas[0])).collect::<Vec<_>>(),
        [("A1", Verdict::Other, 0.0), ("A2", Verdict::Doubtful, 0.0), ("A3", Verdict::Legal, 1234.5)]
    );
    assert_eq!(read.without, 3, "not filed yet, twice, and the sum");
    let yes = "图斑编号,是否违法,合法面积(亩),合法耕地面积(亩),违法面积(亩),违法耕地面积(亩)\nA1,是,0,0,1,1\nA2,否,1,0,0,0\nA3,否,0,0,0,0\n";
    assert_eq!(areas(yes).iter().map(|(_, verdict, _)| *verdict).collect::<Vec<_>>(), [Verdict::Illegal, Verdict::Legal, Verdict::Other]);
}

#[test]
fn an_export_of_ours_may_be_filled_in_in_either_unit() {
    let heading = "图斑编号,监测批次,自动判定,核定判定,判定,核定合法面积（平方米）,核定合法面积（亩）,核定合法耕地面积（平方米）,核定合法耕地面积（亩）,核定违法面积（平方米）,核定违法面积（亩）,核定违法耕地面积（平方米）,核定违法耕地面积（亩）\n";
    let table =
        format!("{heading}A1,3,疑似违法,违法,疑似违法,,,,,,1.5,,0.75\nA2,3,其他,合法,合法,1000.1234,1.50,0.0000,0.00,0,0,0,0\nA3,4,其他,,其他,,,,,,,,\n");
    let read = filled(&table);
    assert_eq!(read.rejects, []);
    assert_eq!(areas(&table)[0].2, [0.0, 0.0, 1_000.0, 500.0]);
    assert_eq!(areas(&table)[1].2, [1000.1234, 0.0, 0.0, 0.0], "square metres are the finer ones");
    assert_eq!((read.filings[0].new.survey, read.without), (Some(3), 1));
    let wrong = format!("{heading}A1,3,其他,合法,其他,1000,2.5,0,0,0,0,0,0\nA2,3,其他,,违法,,,,,,,,\n");
    let reasons: Vec<String> = filled(&wrong).rejects.into_iter().map(|reject| reject.reason.zh).collect();
    assert!(reasons[0].contains("不是同一面积") && reasons[1].contains("核定判定"), "{reasons:?}");
}

#[test]
fn every_bad_row_is_named_with_its_row_and_column() {
    let found = faults(
        "A1,legal,10,11,0,0\nA2,legal,0,0,5,0\nA3,guilty,0,0,0,0\nA4,other,0,0,0,0\n\nA4,other,0,0,0,0\nA5,illegal,0,0,-1,nil\nA6,illegal,0,0,NaN,0\nA7,doubtful,1,0,0,0\n,other,0,0,0,0\nA8,illegal,0,0,5,\nA9,,0,0,5,5\nB1,other,0,0,0,0,7\n",
    );
    // The heading is row 1 of a spreadsheet, and blank rows have numbers, too.
    assert_eq!(
        found.iter().map(|(row, pointer, _)| (*row, pointer.as_str())).collect::<Vec<_>>(),
        [
            (2, "/2/legal_farmland_m2"),
            (3, "/3/verdict"),
            (4, "/4/verdict"),
            (7, "/7/patch_id"),
            (8, "/8/illegal_m2"),
            (8, "/8/illegal_farmland_m2"),
            (9, "/9/illegal_m2"),
            (10, "/10/verdict"),
            (11, "/11/patch_id"),
            (12, "/12/illegal_farmland_m2"),
            (13, "/13/verdict"),
            (14, "/14/patch_id")
        ]
    );
    assert!(found[1].2.contains("make it illegal"), "{}", found[1].2);
    assert!(found[3].2.contains("already in row 5"), "{}", found[3].2);
}

#[test]
fn what_the_heading_lacks_is_named() {
    let said = why("patch_id,verdict\nA,other\n");
    assert!(said.contains("表头缺少：合法面积") && said.contains("patch_id、verdict"), "{said}");
    assert!(why("图斑编号,判定,合法面积,合法耕地面积,违法面积,违法耕地面积\nA,其他,,,,\n").contains("没有写明单位"));
    assert!(why("a,b\n1,2\n").contains("图斑编号"));
    assert!(why(&HEADER.replace("legal_farmland_m2", "legal_m2")).contains("有两列"));
}

#[test]
fn a_number_that_a_spreadsheet_rounded_is_no_id() {
    let columns = Columns::find(&HEADER.trim().split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap();
    let row = |id: f64| table::Row { number: 2, cells: vec![Some(table::Cell::Number(id)), Some(table::Cell::Text("其他".into()))], beyond: false };
    assert_eq!(rows::fill(columns.clone(), vec![row(371_302_000_043.0)], None).filings[0].new.filing.patch_id, "371302000043");
    assert!(rows::fill(columns, vec![row(3.713_020_000_43e18)], None).rejects[0].reason.zh.contains("15 位"));
}
