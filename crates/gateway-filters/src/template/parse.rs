//! Taking a text apart, and putting it together again.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

use super::error::InvalidTemplate;

/// A text with variables, taken apart.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Segment {
    Text(Box<str>),
    Variable(Variable),
}

/// What a variable stands for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Variable {
    ClientIp,
    Header(HeaderName),
    Host,
    Method,
    Path,
    Query,
    Reason,
    RequestId,
    RouteName,
    Scheme,
    Status,
}

impl Variable {
    fn parse(name: &str) -> Result<Self, InvalidTemplate> {
        if let Some(header) = name
            .strip_prefix("REQ(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            return HeaderName::from_bytes(header.as_bytes())
                .map(Self::Header)
                .map_err(|_| InvalidTemplate::Header {
                    name: header.to_owned(),
                });
        }
        Ok(match name {
            "CLIENT_IP" => Self::ClientIp,
            "HOST" => Self::Host,
            "METHOD" => Self::Method,
            "PATH" => Self::Path,
            "QUERY" => Self::Query,
            "REASON" => Self::Reason,
            "REQUEST_ID" => Self::RequestId,
            "ROUTE_NAME" => Self::RouteName,
            "SCHEME" => Self::Scheme,
            "STATUS" => Self::Status,
            _ => {
                return Err(InvalidTemplate::Unknown {
                    name: name.to_owned(),
                });
            }
        })
    }

    /// Whether it is about the response.
    pub(crate) fn is_of_response(&self) -> bool {
        matches!(self, Self::Reason | Self::Status)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::ClientIp => "CLIENT_IP",
            Self::Header(_) => "REQ",
            Self::Host => "HOST",
            Self::Method => "METHOD",
            Self::Path => "PATH",
            Self::Query => "QUERY",
            Self::Reason => "REASON",
            Self::RequestId => "REQUEST_ID",
            Self::RouteName => "ROUTE_NAME",
            Self::Scheme => "SCHEME",
            Self::Status => "STATUS",
        }
    }
}

impl Template {
    /// Takes `text` apart.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            literal.push_str(before);
            let Some((name, after)) = after.split_once('%') else {
                return Err(InvalidTemplate::Unended {
                    rest: after.to_owned(),
                });
            };
            if name.is_empty() {
                literal.push('%');
            } else {
                push_text(&mut segments, &mut literal);
                segments.push(Segment::Variable(Variable::parse(name)?));
            }
            rest = after;
        }
        literal.push_str(rest);
        push_text(&mut segments, &mut literal);
        Ok(Self { segments })
    }

    /// Takes apart the text of a header's value, which is written before there is a response.
    pub(crate) fn parse_header(text: &str) -> Result<Self, InvalidTemplate> {
        let template = Self::parse(text)?;
        if let Some(variable) = template.variables().find(|v| v.is_of_response()) {
            return Err(InvalidTemplate::Unknown {
                name: variable.name().to_owned(),
            });
        }
        let clean = |segment: &Segment| match segment {
            Segment::Text(text) => HeaderValue::from_str(text).is_ok(),
            Segment::Variable(_) => true,
        };
        if template.segments.iter().all(clean) {
            Ok(template)
        } else {
            Err(InvalidTemplate::Byte)
        }
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Variable(variable) => Some(variable),
        })
    }

    /// The text with a value for every variable, each as `escape` writes it.
    pub(crate) fn render<'a>(
        &self,
        value: impl Fn(&Variable) -> Cow<'a, [u8]>,
        escape: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Vec<u8> {
        let length = |segment: &Segment| match segment {
            Segment::Text(text) => text.len(),
            Segment::Variable(_) => LIKELY,
        };
        let mut rendered = Vec::with_capacity(self.segments.iter().map(length).sum());
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => rendered.extend_from_slice(text.as_bytes()),
                Segment::Variable(variable) => escape(&value(variable), &mut rendered),
            }
        }
        rendered
    }

    /// The text as a header's value, without what such must not have; `None` if nothing is left.
    pub(crate) fn header_value<'a>(
        &self,
        value: impl Fn(&Variable) -> Cow<'a, [u8]>,
    ) -> Option<HeaderValue> {
        let rendered = self.render(value, |value, rendered| {
            rendered.extend(
                value
                    .iter()
                    .copied()
                    .filter(|byte| !byte.is_ascii_control()),
            );
        });
        let trimmed = rendered.trim_ascii();
        HeaderValue::from_bytes(trimmed)
            .ok()
            .filter(|value| !value.is_empty())
    }
}

/// How long most values are at most.
const LIKELY: usize = 48;

fn push_text(segments: &mut Vec<Segment>, literal: &mut String) {
    if !literal.is_empty() {
        segments.push(Segment::Text(std::mem::take(literal).into()));
    }
}
