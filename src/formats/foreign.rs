//! Files that people send and that are none that can be read here: each by its name, with what to do instead.

/// A format that is not read.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, and what to do: Chinese.
    pub zh: &'static str,
    /// What it is, and what to do: English.
    pub en: &'static str,
}

/// What files begin with.
const BEGINNINGS: [(&[u8], Foreign); 10] = [
    (b"AC10", Foreign { zh: "AutoCAD 图纸（DWG），请在 CAD 中另存为 DXF 后上传", en: "an AutoCAD drawing (DWG); save it as DXF" }),
    (
        b"\0\x01\0\0Standard",
        Foreign {
            zh: "Access 个人地理数据库（MDB），请导出为 FileGDB 或 Shapefile 后上传", en: "an Access database (MDB); export it as FileGDB or Shapefile"
        },
    ),
    (
        b"\xD0\xCF\x11\xE0",
        Foreign {
            zh: "旧版 Excel 或 Word 文件，没有图形，请上传空间数据", en: "an old Excel or Word file, which has no shapes; upload spatial data"
        },
    ),
    (b"%PDF", Foreign { zh: "PDF 文件，没有可读的图形，请上传空间数据", en: "a PDF, which has no shapes that can be read; upload spatial data" }),
    (b"\x89PNG", IMAGE),
    (b"\xFF\xD8\xFF", IMAGE),
    (b"GIF8", IMAGE),
    (b"II*\0", IMAGE),
    (b"MM\0*", IMAGE),
    (
        b"EXP  0",
        Foreign {
            zh: "ArcInfo 交换文件（E00），请导出为 Shapefile 或 FileGDB 后上传", en: "an ArcInfo export (E00); export it as Shapefile or FileGDB"
        },
    ),
];

const IMAGE: Foreign = Foreign { zh: "图片，没有矢量图形，请上传空间数据", en: "a picture, which has no shapes; upload spatial data" };

/// What stands near the beginning of XML, in capitals; the last one stands in every such file.
const IN_XML: [(&[u8], Foreign); 8] = [
    (b"<OGRVRT", Foreign { zh: "VRT（GDAL 的虚拟文件），请上传它所指的数据", en: "a VRT (a virtual file of GDAL); upload the data that it points to" }),
    (b"<VRTDATASET", Foreign { zh: "VRT（GDAL 的虚拟文件），请上传它所指的数据", en: "a VRT (a virtual file of GDAL); upload the data that it points to" }),
    (b"OPENGIS.NET/GML", Foreign { zh: "GML，请导出为 Shapefile 或 GeoPackage 后上传", en: "GML; export it as Shapefile or GeoPackage" }),
    (b"<GPX", Foreign { zh: "GPX 轨迹，只有点和线，请上传面数据", en: "a GPX track, which has points and lines only; upload polygons" }),
    (
        b"OFFICE:SPREADSHEET",
        Foreign { zh: "Excel 的 XML 表格，没有图形，请上传空间数据", en: "an Excel table in XML, which has no shapes; upload spatial data" },
    ),
    (b"<SVG", Foreign { zh: "SVG 图片，没有地理坐标，请上传空间数据", en: "an SVG picture, which has no place on the ground; upload spatial data" }),
    (
        b"<HTML",
        Foreign {
            zh: "网页（多半是登录页或下载出错的页面），请重新下载数据",
            en: "a web page (most likely one that asks to log in, or says what went wrong); download the data again",
        },
    ),
    (
        b"<",
        Foreign {
            zh: "XML，不认识其中的内容，请导出为 Shapefile 或 GeoPackage 后上传",
            en: "XML of a kind that is not known; export it as Shapefile or GeoPackage",
        },
    ),
];

/// By the first bytes.
pub fn of_bytes(head: &[u8]) -> Option<&'static Foreign> {
    BEGINNINGS.iter().find(|(begins, _)| head.starts_with(begins)).map(|(_, foreign)| foreign)
}

/// By what stands near the beginning of XML, in capitals.
pub fn of_xml(upper: &[u8]) -> Option<&'static Foreign> {
    IN_XML.iter().find(|(word, _)| memchr::memmem::find(upper, word).is_some()).map(|(_, foreign)| foreign)
}
