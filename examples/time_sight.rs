//! Reads paths of pictures from stdin, one a line, and prints what is seen on each and how long markers and ruler took.
//!
//! Each picture is decoded first and seen several times; the least time is printed, as whatever else runs only adds. Then the print is read, untimed, because
//! it decides what is measured. `benches/match_template.py` plays against this.

use sonogfr::{app::reader::Reader, edge::pictures, overlay};
use std::{
    error::Error,
    hint::black_box,
    io::{self, BufRead, Write},
    path::Path,
    time::Instant,
};

/// How often each picture is seen.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let reader = Reader::open()?;
    for line in io::stdin().lock().lines() {
        let picture = pictures::open(Path::new(line?.trim()))?;
        let run_ms = |_| {
            let start = Instant::now();
            black_box(overlay::see(black_box(picture.frame())));
            1000.0 * start.elapsed().as_secs_f64()
        };
        let least_ms = (0..RUNS).map(run_ms).fold(f64::MAX, f64::min);
        let sight = reader.see(&picture)?;
        let ends = |pair: &overlay::Pair| pair.ends.map(|end| [end.x, end.y]);
        let seen = serde_json::json!({
            "ms": least_ms,
            "pairs": sight.pairs.iter().map(ends).collect::<Vec<_>>(),
            "chosen": sight.chosen().map(ends),
        });
        println!("{seen}");
        io::stdout().flush()?;
    }
    Ok(())
}
