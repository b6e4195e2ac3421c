//! ZIP files. Their list of entries is walked, never held: an upload has room for twenty million of them.

use super::{DEEPEST, Unpacking, broken, link, names, refused};
use crate::formats::ReadError;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::read::{ArchiveOffset, Config};
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

impl Unpacking<'_> {
    /// Unpacks the ZIP file at `path`, which lies in the folder `within` of the archive that it came in.
    pub fn zip(&mut self, path: &Path, within: &str, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(refused(
                "archive_too_deep",
                format!("压缩包里套压缩包超过 {DEEPEST} 层，请只压缩一次后上传"),
                format!("archives are nested more than {DEEPEST} deep; pack the files once"),
            ));
        }
        let open = || File::open(path).map(BufReader::new);
        // A ZIP file begins where the file does; who looks for its beginning elsewhere may look for long.
        let mut archive = ZipIterable::try_new(open()?, Config { archive_offset: ArchiveOffset::Known(0) }).map_err(|error| broken(&error))?;
        self.count(archive.len())?;
        let mut bodies = open()?;
        for entry in archive.files().map_err(|error| broken(&error))? {
            let entry = entry.map_err(|error| broken(&error))?;
            let name = names::readable(entry.name_raw(), || entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default());
            let name = names::safe(&name)?;
            if entry.is_symlink() {
                return Err(link(&name));
            }
            if entry.encrypted() {
                return Err(refused(
                    "archive_encrypted",
                    "压缩包加了密码，请去掉密码重新压缩后上传",
                    "the archive is encrypted; pack it again without a password",
                ));
            }
            if entry.is_dir() {
                continue;
            }
            let Some(target) = self.target(within, &name)? else { continue };
            let method = entry.compression();
            if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated | CompressionMethod::Deflate64) {
                return Err(refused(
                    "archive_method",
                    format!("压缩包内“{name}”用的压缩方式（{method}）不支持，请用普通 ZIP（Deflate）重新压缩"),
                    format!("“{name}” in the archive is packed by {method}, which is not taken; pack it as an ordinary ZIP (Deflate)"),
                ));
            }
            self.unpack(&mut entry.with_reader(&mut bodies, ZipReadOptions::new()).map_err(|error| broken(&error))?, &target, &name)?;
            if names::is_archive(&name) {
                self.zip(&target, &format!("{within}{name}/"), depth + 1)?;
                std::fs::remove_file(&target)?;
            }
        }
        Ok(())
    }
}
