//! JSON objects: one a line, or as a list, or one after the other.

use std::collections::HashMap;
use std::io::{self, BufRead};

use netnew_money::Decimal;
use serde_json::{Map, Value};

use crate::cell::{Cell, Source, Step};
use crate::code;
use crate::formats::text::{EVIDENCE_BYTES, Position, TextFile};
use crate::problem::{Complaint, SourceError, shown};

/// An object longer than this is taken for one that was never closed.
const LONGEST_OBJECT: usize = 16 << 20;

/// A value as it stays in memory while its record is read.
#[derive(Debug)]
enum Held {
    Empty,
    Text(String),
    Number(Decimal),
    Bool(bool),
}

/// A file of JSON objects, whose keys are the columns.
pub(crate) struct Json {
    file: TextFile,
    name: String,
    /// A broken line costs that line only; a list has no lines to hold on to.
    by_line: bool,
    headers: Vec<String>,
    index: HashMap<String, usize>,
    objects: Objects,
    position: Position,
    cells: Vec<Held>,
}

impl Json {
    pub(crate) fn open(name: &str, file: TextFile) -> Result<Json, SourceError> {
        let failed = |error: io::Error| SourceError::io(name, &error);
        let by_line = first_line_is_object(&file).map_err(failed)?;
        let (bytes, position) = file.read().map_err(failed)?.split();
        let mut json = Json {
            file,
            name: name.to_string(),
            by_line,
            headers: Vec::new(),
            index: HashMap::new(),
            objects: Objects::new(bytes, by_line),
            position,
            cells: Vec::new(),
        };
        let mut first_fault = None;
        while json.position.bytes() <= EVIDENCE_BYTES && json.objects.next().map_err(failed)? {
            match json.objects.parse() {
                Ok(object) => json.learn(&object),
                Err(complaint) => {
                    first_fault.get_or_insert((json.objects.object_line, complaint));
                }
            }
        }
        match (json.headers.is_empty(), first_fault) {
            (true, Some((line, fault))) => {
                let fault = fault.into_problem(name, line, &[]);
                Err(SourceError::new(name, fault.code, fault.message, fault.hint).at_line(line))
            }
            (true, None) => {
                Err(SourceError::new(name, code::EMPTY_FILE, "the file has no objects", "check the export"))
            }
            (false, _) => {
                json.rewind()?;
                Ok(json)
            }
        }
    }

    fn learn(&mut self, object: &Map<String, Value>) {
        for key in object.keys() {
            if !self.index.contains_key(key) {
                self.index.insert(key.clone(), self.headers.len());
                self.headers.push(key.clone());
            }
        }
    }

    fn hold(&mut self, object: Map<String, Value>) -> Result<(), Complaint> {
        self.cells.clear();
        self.cells.resize_with(self.headers.len(), || Held::Empty);
        for (key, value) in object {
            let held = match value {
                Value::Null => continue,
                Value::Bool(value) => Held::Bool(value),
                Value::String(text) => Held::Text(text),
                // Numbers keep their digits; what no exact number can hold stays text and fails where it is read.
                Value::Number(number) => {
                    let text = number.to_string();
                    Decimal::parse(&text).map_or_else(|_| Held::Text(text), Held::Number)
                }
                nested => Held::Text(nested.to_string()),
            };
            match self.index.get(&key) {
                Some(&at) => self.cells[at] = held,
                None => {
                    return Err(Complaint::new(
                        code::LATE_COLUMN,
                        format!("the key {} occurs in no object before", shown(&key)),
                        "name every key in the first object, with null where there is no value",
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Source for Json {
    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn advance(&mut self) -> Result<Step, SourceError> {
        if !self.objects.next().map_err(|error| SourceError::io(&self.name, &error))? {
            return Ok(Step::End);
        }
        let held = self.objects.parse().and_then(|object| self.hold(object));
        Ok(held.map_or_else(Step::Bad, |()| Step::Record))
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match self.cells.get(column) {
            None | Some(Held::Empty) => Cell::Empty,
            Some(Held::Text(text)) => Cell::text(text),
            Some(Held::Number(number)) => Cell::Number(*number),
            Some(Held::Bool(value)) => Cell::Bool(*value),
        }
    }

    fn line(&self) -> u64 {
        self.objects.object_line
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        let reader = self.file.read().map_err(|error| SourceError::io(&self.name, &error))?;
        let (bytes, position) = reader.split();
        self.objects = Objects::new(bytes, self.by_line);
        self.position = position;
        Ok(())
    }

    fn enough_for_evidence(&self) -> bool {
        self.position.bytes() > EVIDENCE_BYTES
    }

    fn progress(&self) -> (u64, u64) {
        (self.position.bytes(), self.file.size)
    }

    fn notes(&self) -> Vec<String> {
        self.file.note.iter().cloned().collect()
    }
}

/// Whether a text begins like JSON: a list of objects, or an object.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let mut visible = text.chars().filter(|c| !c.is_whitespace());
    match (visible.next(), visible.next()) {
        (Some('['), next) => matches!(next, None | Some('{' | ']')),
        (Some('{'), next) => matches!(next, None | Some('"' | '}')),
        _ => false,
    }
}

/// The objects of a JSON file one by one, each whole, with the line it starts on.
pub struct JsonObjects {
    objects: Objects,
    name: String,
    position: Position,
    size: u64,
}

impl JsonObjects {
    /// Opens a file; `None` when it does not begin like JSON.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &std::path::Path) -> Result<Option<JsonObjects>, SourceError> {
        use std::io::Read;
        let name = path.display().to_string();
        let failed = |error: io::Error| SourceError::io(&name, &error);
        let mut head = [0u8; 4];
        let read = std::fs::File::open(path).and_then(|mut f| f.read(&mut head)).map_err(failed)?;
        if read == 4 && (&head == b"PAR1" || &head == b"PK\x03\x04") {
            return Ok(None);
        }
        let file = TextFile::examine(path).map_err(failed)?;
        let mut start = Vec::new();
        file.read().and_then(|text| text.bytes.take(4096).read_to_end(&mut start)).map_err(failed)?;
        if !looks_like_json(&String::from_utf8_lossy(&start)) {
            return Ok(None);
        }
        let by_line = first_line_is_object(&file).map_err(failed)?;
        let (bytes, position) = file.read().map_err(failed)?.split();
        Ok(Some(JsonObjects { objects: Objects::new(bytes, by_line), name, position, size: file.size }))
    }

    /// The next object with its line, or what is wrong with what stands there; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read on.
    #[allow(clippy::type_complexity, reason = "a line, and an object or a problem")]
    pub fn advance(&mut self) -> Result<Option<(u64, Result<Value, crate::Problem>)>, SourceError> {
        if !self.objects.next().map_err(|error| SourceError::io(&self.name, &error))? {
            return Ok(None);
        }
        let line = self.objects.object_line;
        let parsed = self.objects.parse().map(Value::Object);
        Ok(Some((line, parsed.map_err(|complaint| complaint.into_problem(&self.name, line, &[])))))
    }

    /// Bytes read and bytes there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.position.bytes(), self.size)
    }

    /// Whether each object stands on a line of its own.
    pub fn by_line(&self) -> bool {
        self.objects.by_line
    }
}

fn first_line_is_object(file: &TextFile) -> io::Result<bool> {
    let mut objects = Objects::new(file.read()?.split().0, true);
    Ok(objects.next()? && objects.parse().is_ok())
}

/// Cuts text into objects without holding more than one.
struct Objects {
    input: Box<dyn BufRead + Send>,
    by_line: bool,
    /// Line the next byte is on.
    next_line: u64,
    /// Line the current object started on.
    object_line: u64,
    text: Vec<u8>,
}

impl Objects {
    fn new(input: Box<dyn BufRead + Send>, by_line: bool) -> Objects {
        Objects { input, by_line, next_line: 1, object_line: 1, text: Vec::new() }
    }

    /// Moves on to the next object, or to what stands in the place of one.
    fn next(&mut self) -> io::Result<bool> {
        self.text.clear();
        if self.by_line { self.next_line() } else { self.next_element() }
    }

    fn next_line(&mut self) -> io::Result<bool> {
        loop {
            self.text.clear();
            self.object_line = self.next_line;
            if self.input.read_until(b'\n', &mut self.text)? == 0 {
                return Ok(false);
            }
            self.next_line += 1;
            if !self.text.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }

    fn next_element(&mut self) -> io::Result<bool> {
        let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(!self.text.is_empty());
            }
            let (mut used, mut complete) = (0, false);
            for &byte in buffer {
                used += 1;
                self.next_line += u64::from(byte == b'\n');
                let outside = self.text.is_empty();
                if outside && (byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']')) {
                    continue;
                }
                if outside {
                    self.object_line = self.next_line;
                }
                // Something else than an object ends where the next element would start.
                if depth == 0 && !outside && matches!(byte, b',' | b'\n' | b']') && !in_string {
                    complete = true;
                    break;
                }
                self.text.push(byte);
                match (in_string, byte) {
                    (true, _) if escaped => escaped = false,
                    (true, b'\\') => escaped = true,
                    (_, b'"') => in_string = !in_string,
                    (false, b'{' | b'[') => depth += 1,
                    (false, b'}' | b']') => {
                        depth = depth.saturating_sub(1);
                        complete = depth == 0;
                    }
                    _ => {}
                }
                if complete {
                    break;
                }
            }
            self.input.consume(used);
            if complete {
                return Ok(true);
            }
            if self.text.len() > LONGEST_OBJECT {
                return Err(io::Error::other(format!("the object of line {} has no end", self.object_line)));
            }
        }
    }

    fn parse(&self) -> Result<Map<String, Value>, Complaint> {
        serde_json::from_slice::<Map<String, Value>>(&self.text).map_err(|error| {
            Complaint::new(
                code::BAD_JSON,
                format!(
                    "{} is not a JSON object: {error}",
                    shown(String::from_utf8_lossy(&self.text).trim())
                ),
                "write one object a line, or a list of objects",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &str) -> Vec<(u64, String)> {
        let mut objects = Objects::new(Box::new(io::Cursor::new(text.to_string().into_bytes())), false);
        let mut found = Vec::new();
        while objects.next().unwrap() {
            found.push((objects.object_line, String::from_utf8(objects.text.clone()).unwrap()));
        }
        found
    }

    #[test]
    fn lists_are_cut_into_objects() {
        let text = "[\n {\"a\": \"}\\\"{\",\n  \"b\": [1, {}]},\n  17,\n{\"a\":1}\n]";
        let expected = [(2, "{\"a\": \"}\\\"{\",\n  \"b\": [1, {}]}"), (4, "17"), (5, "{\"a\":1}")];
        assert_eq!(elements(text), expected.map(|(line, text)| (line, text.to_string())));
    }

    #[test]
    fn a_key_that_turns_up_too_late_costs_its_row_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "{\"a\":1}\n{\"a\":1,\"late\":null}\n{\"late\":2}\n{\"a\":3}\n").unwrap();
        let mut json = Json::open("f", TextFile::examine(&path).unwrap()).unwrap();
        json.index.remove("late");
        let steps: Vec<String> = (0..5).map(|_| format!("{:?}", json.advance().unwrap())).collect();
        assert_eq!((steps[0].as_str(), steps[1].as_str(), steps[3].as_str()), ("Record", "Record", "Record"));
        assert!(steps[2].contains(code::LATE_COLUMN), "{}", steps[2]);
        assert_eq!(steps[4], "End");
    }

    #[test]
    fn only_objects_and_lists_of_them_look_like_json() {
        for (text, expected) in [
            ("[{\"a\":1}]", true),
            (" \n{\"a\":1}", true),
            ("[]", true),
            ("[customer],[plan]", false),
            ("customer,plan", false),
            ("{x}", false),
        ] {
            assert_eq!(looks_like_json(text), expected, "{text}");
        }
    }
}
