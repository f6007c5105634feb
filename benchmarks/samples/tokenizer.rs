//! Splits an arithmetic expression into tokens.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Number(f64),
    Name(String),
    Operator(char),
    Open,
    Close,
}

#[derive(Debug, PartialEq)]
pub struct UnexpectedCharacter(pub char);

pub struct Tokenizer<'a> {
    chars: Peekable<Chars<'a>>,
}

impl<'a> Tokenizer<'a> {
    pub fn new(text: &'a str) -> Self {
        Tokenizer {
            chars: text.chars().peekable(),
        }
    }

    fn take_while(&mut self, accept: fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(&c) = self.chars.peek() {
            if !accept(c) {
                break;
            }
            text.push(c);
            self.chars.next();
        }
        text
    }

    pub fn next_token(&mut self) -> Result<Option<Token>, UnexpectedCharacter> {
        self.take_while(char::is_whitespace);
        let c = match self.chars.peek() {
            Some(&c) => c,
            None => return Ok(None),
        };
        match c {
            '0'..='9' => Ok(self.take_while(|c| c.is_ascii_digit() || c == '.').parse().ok().map(Token::Number)),
            'a'..='z' | 'A'..='Z' | '_' => Ok(Some(Token::Name(self.take_while(|c| c.is_alphanumeric() || c == '_')))),
            '(' => {
                self.chars.next();
                Ok(Some(Token::Open))
            }
            ')' => {
                self.chars.next();
                Ok(Some(Token::Close))
            }
            '+' | '-' | '*' | '/' => {
                self.chars.next();
                Ok(Some(Token::Operator(c)))
            }
            other => Err(UnexpectedCharacter(other)),
        }
    }
}
