//! `tuban demo`: an invented city.

use super::{Failure, progress::Counter};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tuban_demo::{Preset, generate};

#[derive(Debug, Args)]
pub struct Demo {
    /// How large: `small` (10 000 parcels, 2 000 patches a survey), `city` (300 000 and 100 000), `dense` (3 000 000 and 100 000)
    /// or `province` (ten cities: 3 000 000 and 100 000).
    #[arg(long, default_value = "small")]
    preset: Size,
    /// The same seed makes the same city, to the last byte.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder to write to.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Size {
    Small,
    City,
    Dense,
    Province,
}

impl Demo {
    pub fn run(self) -> Result<(), Failure> {
        let preset = match self.preset {
            Size::Small => Preset::Small,
            Size::City => Preset::City,
            Size::Dense => Preset::Dense,
            Size::Province => Preset::Province,
        };
        let counter = Counter::new("demo");
        let files = generate(preset, self.seed, &self.out, &mut |file, done, _total| counter.at_stage(file, done))?;
        drop(counter);
        say!("an invented city in {} (程序生成，纯属虚构):", self.out.display());
        for file in files {
            say!("  {:<24} {:>9} features {:>10} vertices", file.name, file.features, file.vertices);
        }
        Ok(())
    }
}
