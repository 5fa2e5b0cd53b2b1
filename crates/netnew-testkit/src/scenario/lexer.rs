//! Lines to words.

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word without its quotes.
    pub(crate) text: String,
    /// Whether any part stood in quotes; such a word is a name, never a keyword or a number.
    pub(crate) quoted: bool,
    /// Byte positions in `text` of the first `/` and the first `=` outside quotes.
    pub(crate) slash: Option<usize>,
    pub(crate) equals: Option<usize>,
}

impl Token {
    /// The word, unless it was quoted.
    pub(crate) fn bare(&self) -> Option<&str> {
        (!self.quoted).then_some(self.text.as_str())
    }

    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.bare() == Some(keyword)
    }

    /// A name, or nothing for a bare `-`.
    pub(crate) fn name(&self) -> Option<String> {
        (!self.is("-")).then(|| self.text.clone())
    }
}

/// Words of a line; `#` at the start of a word begins a comment.
pub(crate) fn words(line: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.peek().is_some_and(|c| c.is_whitespace()) {
            chars.next();
        }
        match chars.peek() {
            None | Some('#') => return Ok(tokens),
            Some(_) => tokens.push(word(&mut chars)?),
        }
    }
}

fn word(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, String> {
    let mut token = Token { text: String::new(), quoted: false, slash: None, equals: None };
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '"' => {
                token.quoted = true;
                quoted(chars, &mut token.text)?;
            }
            c => {
                let at = token.text.len();
                if c == '/' && token.slash.is_none() {
                    token.slash = Some(at);
                }
                if c == '=' && token.equals.is_none() {
                    token.equals = Some(at);
                }
                token.text.push(c);
            }
        }
    }
    Ok(token)
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &mut String) -> Result<(), String> {
    loop {
        match chars.next() {
            None => return Err("a quote is not closed".to_string()),
            Some('"') => return Ok(()),
            Some('\\') => match chars.next() {
                Some('n') => text.push('\n'),
                Some(c) => text.push(c),
                None => return Err("a quote is not closed".to_string()),
            },
            Some(c) => text.push(c),
        }
    }
}

/// A line with `{A..B}` as one line per number, in which `{}` stands for that number too.
pub(crate) fn expand(line: &str) -> Result<Vec<String>, String> {
    let opening = line.char_indices().find(|&(at, c)| c == '{' && !line[..at].ends_with('\\'));
    let found = opening.and_then(|(open, _)| {
        let close = open + line[open..].find('}')?;
        let (first, last) = line[open + 1..close].split_once("..")?;
        Some((open, close, first, last))
    });
    let Some((open, close, first, last)) = found else { return Ok(vec![line.to_string()]) };
    let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else {
        return Err(format!("`{}` is not a run of numbers such as {{1..100}}", &line[open..=close]));
    };
    if last < first || last - first > 10_000 {
        return Err(format!("`{}` runs backwards or is longer than 10000", &line[open..=close]));
    }
    let of = |n: u32| format!("{}{n}{}", &line[..open], &line[close + 1..]).replace("{}", &n.to_string());
    Ok((first..=last).map(of).collect())
}

/// The name as it is written: quoted where it could be read as anything else.
pub(crate) fn write_name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '@' | '+');
    let starts_well = name.chars().next().is_some_and(|c| c.is_alphabetic() && c != 'x');
    if starts_well && name.chars().all(plain) && !super::is_keyword(name) {
        return name.to_string();
    }
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('{', "\\{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        words(line).unwrap().into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn words_quotes_and_comments() {
        assert_eq!(texts(r#"a  "b c"/"d/e" f#g # rest"#), ["a", "b c/d/e", "f#g"]);
        assert_eq!(words(r#""b/c"/d"#).unwrap()[0].slash, Some(3));
        assert_eq!(words(r#"k="a=b""#).unwrap()[0].equals, Some(1));
        assert!(words("\"open").is_err());
        assert_eq!(texts(r#""say \"x\" \\""#), [r#"say "x" \"#]);
    }

    #[test]
    fn runs_of_numbers() {
        assert_eq!(expand("c{2..3} s{}").unwrap(), ["c2 s2", "c3 s3"]);
        assert_eq!(expand("plain").unwrap(), ["plain"]);
        assert!(expand("c{3..2}").is_err());
        assert!(expand("c{a..2}").is_err());
    }
}
