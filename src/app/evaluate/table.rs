//! A table of estimates and truths, as CSV, to cases: every cell checked, the first wrong one named by row and column.

use crate::evaluate::Case;
use anyhow::{Context, Result, bail, ensure};
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// The largest table read, in bytes: some million rows.
const TABLE_BYTES_MAX: u64 = 256 << 20;
/// No kidney and no formula gives more, in mL/min/1.73 m2; beyond it a column holds something else.
const EGFR_MAX: f64 = 1000.0;
const TRUTH: &str = "true_egfr";
const PREDICTED: &str = "pred_egfr";

/// What a table says.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// One for each row.
    pub cases: Vec<Case>,
    /// How many patients.
    pub patients: usize,
    /// Whether a column tells them apart; else every row is a patient of its own.
    pub names_patients: bool,
}

/// Reads a table. *Errors*: one line that names the file and, where it is a cell, row, line and column.
pub fn open(path: &Path) -> Result<(Table, Vec<u8>)> {
    let named = || format!("{}", path.display());
    let unread = || format!("{}: cannot be read; check the path and its permissions", path.display());
    let mut bytes = Vec::new();
    // One more tells that it goes on: of a pipe no size is known.
    File::open(path).and_then(|file| file.take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes)).with_context(unread)?;
    ensure!(
        bytes.len() as u64 <= TABLE_BYTES_MAX,
        "{}: has more than {TABLE_BYTES_MAX} bytes; split it",
        path.display()
    );
    let table = parse(&bytes).with_context(named)?;
    Ok((table, bytes))
}

/// Where the columns stand.
struct Columns {
    truth: usize,
    predicted: usize,
    p_ckd: Option<usize>,
    interval: Option<[usize; 2]>,
    patient: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self> {
        let names: Vec<&str> = header.iter().collect();
        let find = |wanted: &str| -> Result<Option<usize>> {
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
            let place = places.next();
            ensure!(places.next().is_none(), "the header names column {wanted} twice");
            Ok(place)
        };
        let need = |wanted: &str| {
            let missing = || format!("column {wanted} is missing; the header has: {}", names.join(", "));
            find(wanted)?.with_context(missing)
        };
        let interval = match (find("lo")?, find("hi")?) {
            (Some(low), Some(high)) => Some([low, high]),
            (None, None) => None,
            (Some(_), None) => bail!("column hi is missing beside lo; give both or none"),
            (None, Some(_)) => bail!("column lo is missing beside hi; give both or none"),
        };
        let (truth, predicted) = (need(TRUTH)?, need(PREDICTED)?);
        Ok(Self { truth, predicted, p_ckd: find("p_ckd")?, interval, patient: find("patient")? })
    }
}

/// One row, with what names it in an error.
struct Row<'a> {
    record: &'a csv::StringRecord,
    /// From 1, the header not counted.
    number: u64,
    /// In the file, from 1.
    line: u64,
}

impl Row<'_> {
    fn name(&self, column: &str) -> String {
        format!("row {} (line {}), column {column}", self.number, self.line)
    }

    fn text(&self, place: usize, column: &str) -> Result<&str> {
        let text = self.record.get(place).unwrap_or_default();
        ensure!(!text.is_empty(), "{}: is empty", self.name(column));
        Ok(text)
    }

    /// A number within `low` to `high`.
    fn number(&self, place: usize, column: &str, [low, high]: [f64; 2]) -> Result<f64> {
        let text = self.text(place, column)?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number.with_context(|| format!("{}: \"{text}\" is no number", self.name(column)))?;
        ensure!(number >= low && number <= high, "{}: {number} is not within {low} to {high}", self.name(column));
        Ok(number)
    }

    fn case(&self, columns: &Columns, patient: usize) -> Result<Case> {
        let truth = self.number(columns.truth, TRUTH, [0.0, EGFR_MAX])?;
        ensure!(truth > 0.0, "{}: an eGFR of 0 is no truth to be near to", self.name(TRUTH));
        let interval = match columns.interval {
            None => None,
            Some([low, high]) => {
                let low = self.number(low, "lo", [-EGFR_MAX, EGFR_MAX])?;
                let high = self.number(high, "hi", [-EGFR_MAX, EGFR_MAX])?;
                ensure!(low <= high, "{}: {low} is above hi, {high}", self.name("lo"));
                Some([low, high])
            }
        };
        Ok(Case {
            truth,
            predicted: self.number(columns.predicted, PREDICTED, [-EGFR_MAX, EGFR_MAX])?,
            p_ckd: columns.p_ckd.map(|place| self.number(place, "p_ckd", [0.0, 1.0])).transpose()?,
            interval,
            patient,
        })
    }
}

/// Reads a table from its bytes. Lines that begin with "#" may stand above the header, and the header itself may begin with one.
///
/// *Errors*: one line, without the file's name.
pub fn parse(bytes: &[u8]) -> Result<Table> {
    let text = std::str::from_utf8(bytes).context("is no text in UTF-8; save it as CSV, UTF-8")?;
    let (header_at, lines_above) = find_header(text);
    let rest = text[header_at..].trim_start_matches(['#', ' ', '\t']);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(rest.as_bytes());
    let header = reader.headers().context("is no CSV")?.clone();
    ensure!(!header.is_empty(), "is empty; its first line must name the columns {TRUTH} and {PREDICTED}");
    let columns = Columns::of(&header)?;
    let (mut cases, mut numbers) = (Vec::new(), BTreeMap::new());
    for (number, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| row_error(&error, number, lines_above))?;
        let line = record.position().map_or(0, csv::Position::line) + lines_above;
        let row = Row { record: &record, number, line };
        let patient = match columns.patient {
            None => cases.len(),
            Some(place) => {
                let next = numbers.len();
                *numbers.entry(row.text(place, "patient")?.to_owned()).or_insert(next)
            }
        };
        cases.push(row.case(&columns, patient)?);
    }
    ensure!(!cases.is_empty(), "has a header and no rows: nothing to evaluate");
    let names_patients = columns.patient.is_some();
    let patients = if names_patients { numbers.len() } else { cases.len() };
    Ok(Table { cases, patients, names_patients })
}

/// Where the header begins, and how many lines stand above it: the first line that is no remark, or the remark that names a column.
fn find_header(text: &str) -> (usize, u64) {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut at, mut lines) = (start, 0);
    for line in text[start..].split_inclusive('\n') {
        if !line.trim_start().starts_with('#') || line.contains(TRUTH) {
            break;
        }
        at += line.len();
        lines += 1;
    }
    (at, lines)
}

/// A row that has more or fewer cells than the header, in words.
fn row_error(error: &csv::Error, number: u64, lines_above: u64) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line) + lines_above;
            anyhow::anyhow!("row {number} (line {line}) has {len} columns and the header {expected_len}")
        }
        _ => anyhow::anyhow!("row {number}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given this table, expect one line that holds all of `words`.
    fn check_error(text: &str, words: &[&str]) {
        let error = format!("{:#}", parse(text.as_bytes()).unwrap_err());
        assert!(!error.contains('\n'), "{error}");
        for word in words {
            assert!(error.contains(word), "{word} is not in: {error}");
        }
    }

    #[test]
    fn given_a_table_expect_its_cases_and_patients_in_any_order_of_columns() {
        let text = "\u{feff}# made by hand\npatient,pred_egfr,note,true_egfr,lo,hi,p_ckd\nb, 50 ,x,60,40,70,0.25\na,1,x,2,0,3,1\nb,5,\"y,z\",6,4,7,0\n";
        let table = parse(text.as_bytes()).unwrap();
        assert_eq!((table.patients, table.names_patients), (2, true));
        let patients: Vec<usize> = table.cases.iter().map(|case| case.patient).collect();
        assert_eq!(patients, [0, 1, 0]);
        let first = Case { truth: 60.0, predicted: 50.0, p_ckd: Some(0.25), interval: Some([40.0, 70.0]), patient: 0 };
        assert_eq!(table.cases[0], first);
        let bare = parse(b"# true_egfr,pred_egfr\r\n10,20\r\n30,40\r\n").unwrap();
        assert_eq!((bare.patients, bare.names_patients, bare.cases[1].truth), (2, false, 30.0));
    }

    #[test]
    fn given_a_wrong_cell_expect_row_line_and_column() {
        let head = "true_egfr,pred_egfr,p_ckd,lo,hi,patient\n50,50,0.5,40,60,a\n";
        let with = |row: &str| format!("{head}{row}\n");
        check_error(&with("x,50,0.5,40,60,a"), &["row 2 (line 3), column true_egfr", "\"x\" is no number"]);
        check_error(&with("50,NaN,0.5,40,60,a"), &["row 2 (line 3), column pred_egfr", "\"NaN\" is no number"]);
        check_error(&with("50,inf,0.5,40,60,a"), &["column pred_egfr", "no number"]);
        check_error(&with("50,,0.5,40,60,a"), &["column pred_egfr", "is empty"]);
        check_error(&with("0,50,0.5,40,60,a"), &["column true_egfr", "no truth"]);
        check_error(&with("-3,50,0.5,40,60,a"), &["column true_egfr", "not within 0 to 1000"]);
        check_error(&with("50,50,1.5,40,60,a"), &["column p_ckd", "not within 0 to 1"]);
        check_error(&with("50,50,0.5,60,40,a"), &["column lo", "60 is above hi, 40"]);
        check_error(&with("50,50,0.5,40,60,"), &["column patient", "is empty"]);
        check_error(&with("50,50,0.5,40,60"), &["row 2 (line 3) has 5 columns and the header 6"]);
        check_error(&format!("# a remark\n{head}x,1,0,0,0,a\n"), &["row 2 (line 4)"]);
    }

    #[test]
    fn given_a_table_that_is_none_expect_what_it_lacks() {
        check_error("", &["is empty", "true_egfr and pred_egfr"]);
        check_error("\n\n", &["is empty"]);
        check_error("# nothing\n", &["is empty"]);
        check_error("true_egfr,pred_egfr\n", &["no rows"]);
        check_error("true,pred_egfr\n1,2\n", &["column true_egfr is missing", "the header has: true, pred_egfr"]);
        check_error("true_egfr;pred_egfr\n1;2\n", &["column true_egfr is missing"]);
        check_error("true_egfr,pred_egfr,lo\n1,2,3\n", &["column hi is missing"]);
        check_error("true_egfr,pred_egfr,true_egfr\n1,2,3\n", &["twice"]);
        assert!(parse(b"\xff\xfe").is_err());
    }

    proptest::proptest! {
        #[test]
        fn given_any_text_expect_cases_or_one_line_and_no_panic(text in "(true_egfr,pred_egfr,lo,hi\n)?[0-9a,.\"#\n\r;é -]{0,60}") {
            if let Err(error) = parse(text.as_bytes()) {
                proptest::prop_assert!(!format!("{error:#}").contains('\n'), "{error:#}");
            }
        }
    }
}
