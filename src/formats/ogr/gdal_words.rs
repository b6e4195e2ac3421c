//! What GDAL says, for people: its own words, and what they mean where that is known.

use tuban_engine::model::Words;

/// What parts of GDAL's messages mean.
const KNOWN: [(&str, &str, &str); 14] = [
    (
        "filegdbtable",
        "FileGDB 的表读不出：表不完整，或有本机 GDAL 版本不认识的字段类型（ArcGIS Pro 3.2 起的 64 位整数、仅日期、仅时间、带时区的时间）；请补全文件，或在 ArcGIS 中把这些字段改成文本或双精度后重新导出",
        "a table of the FileGDB cannot be read: it is incomplete, or has a field type that the GDAL of this machine does not know (64-bit integer, date only, time only, timestamp offset of ArcGIS Pro 3.2 and later); complete it, or have those fields exported as text or double",
    ),
    ("gdbtablx could not be found", "FileGDB 缺少索引文件（.gdbtablx），请补全文件", "the FileGDB lacks an index (.gdbtablx); complete it"),
    (
        "WAL-enabled database",
        "GeoPackage 处于 WAL 模式，已按只读读取；旁边的 -wal 文件中未合并的修改不在其中",
        "the GeoPackage is in WAL mode and was read as it is; changes in a -wal file beside it are not in it",
    ),
    ("database disk image is malformed", "GeoPackage 数据库损坏", "the database of the GeoPackage is damaged"),
    ("string or blob too big", "有一个值超过单个要素的上限", "a value is larger than a feature may be"),
    ("file is not a database", "不是 GeoPackage 数据库，或已加密", "it is no GeoPackage database, or encrypted"),
    ("no such table", "GeoPackage 缺少所登记的表", "the GeoPackage lacks a table that it lists"),
    ("Corrupt data", "数据损坏", "the data are corrupt"),
    ("corrupt", "数据损坏", "the data are corrupt"),
    ("XML parsing of KML file failed", "KML 的 XML 不完整或有错", "the XML of the KML is incomplete or wrong"),
    ("Unable to read geometry", "有图形读不出", "an outline cannot be read"),
    ("Error in fread()", "文件不完整", "the file is incomplete"),
    ("Cannot allocate", "内存不足", "there is not enough memory"),
    ("Out of memory", "内存不足", "there is not enough memory"),
];

/// Its words without names of our files, which say nothing to the sender.
pub fn shown(message: &str) -> String {
    message.split_whitespace().map(|word| if word.contains('/') { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// What it means, where that is known, with GDAL's own words.
pub fn translated(message: &str) -> Words {
    let own = shown(message);
    match KNOWN.iter().find(|(part, ..)| message.contains(part)) {
        Some((_, zh, en)) => Words::new(format!("{zh}（GDAL：{own}）"), format!("{en} (GDAL: {own})")),
        None => Words::new(format!("GDAL 报告：{own}"), format!("GDAL says: {own}")),
    }
}

/// The refusal of a layer that cannot be read, or not all of it.
pub fn unreadable(layer: &str, message: &str) -> crate::formats::ReadError {
    let why = translated(message);
    crate::formats::ReadError::refused(
        "unreadable_layer",
        format!("图层“{layer}”读不出，不能当作没有要素：{}", why.zh),
        format!("the layer “{layer}” cannot be read, which does not make it empty: {}", why.en),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gdals_own_words_are_kept_and_our_paths_are_not() {
        let words = translated("Error occurred in ./ogr/ogrsf_frmts/openfilegdb/filegdbtable.cpp at line 910");
        assert!(words.zh.contains("字段类型") && words.zh.contains("Error occurred in … at line 910"), "{words:?}");
        assert_eq!(translated("odd thing").zh, "GDAL 报告：odd thing");
    }
}
