//! Writes the tables and the picture of docs/benchmark.md from reports of `duplex bench conversation`:
//!
//! `cargo run --release -p duplex-harness --example benchmark -- out/duplex/report.json ...`
//!
//! The reports are kept in docs/benchmark without their cases, as baselines to compare with.

use std::{error::Error, fs, path::Path};

use duplex_harness::suite::{SuiteReport, beside, picture};

const BEGIN: &str = "<!-- tables -->\n";
const END: &str = "<!-- end of tables -->\n";

fn main() -> Result<(), Box<dyn Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut reports: Vec<SuiteReport> =
        std::env::args_os().skip(1).map(SuiteReport::read).collect::<Result<_, _>>()?;
    for report in &mut reports {
        report.cases.clear();
        let name: String =
            report.agent.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let path = docs.join("benchmark").join(format!("{}.json", name.trim_matches('-')));
        fs::create_dir_all(docs.join("benchmark"))?;
        fs::write(path, report.json()?)?;
    }
    fs::write(docs.join("benchmark.svg"), picture(&reports))?;
    let page = docs.join("benchmark.md");
    let text = fs::read_to_string(&page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no place for the tables")?;
    let (_, after) = rest.split_once(END).ok_or("the page's tables do not end")?;
    fs::write(page, format!("{before}{BEGIN}\n{}\n{END}{after}", beside(&reports)))?;
    Ok(())
}
