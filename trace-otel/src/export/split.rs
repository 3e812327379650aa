//! Requests taken apart and put together, span by span, each with its resource.

use crate::convert::OtlpRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

impl OtlpRequest {
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.0.resource_spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans)
    }

    /// Adds the spans of another request.
    pub(crate) fn append(&mut self, other: Self) {
        for resource in other.0.resource_spans {
            let same = |known: &&mut ResourceSpans| known.resource == resource.resource;
            match self.0.resource_spans.iter_mut().find(same) {
                Some(known) => known.scope_spans.extend(resource.scope_spans),
                None => self.0.resource_spans.push(resource),
            }
        }
    }

    /// The spans in requests of so many spans and bytes at most. A span that is larger goes alone.
    pub(crate) fn pieces(self, max_spans: usize, max_bytes: usize) -> Vec<Self> {
        let mut pieces = Vec::new();
        let (mut piece, mut spans, mut bytes) = (Self::default(), 0, 0);
        for single in self.singles() {
            let size = single.0.encoded_len();
            if spans > 0 && (spans >= max_spans || bytes + size > max_bytes) {
                pieces.push(std::mem::take(&mut piece));
                (spans, bytes) = (0, 0);
            }
            piece.append_single(single);
            spans += 1;
            bytes += size;
        }
        if spans > 0 {
            pieces.push(piece);
        }
        pieces
    }

    /// Two halves, in order.
    pub(crate) fn halves(self) -> (Self, Self) {
        let half = self.span_count() / 2;
        let (mut first, mut second) = (Self::default(), Self::default());
        for (place, single) in self.singles().enumerate() {
            (if place < half { &mut first } else { &mut second }).append_single(single);
        }
        (first, second)
    }

    /// Each span as a request of its own.
    fn singles(self) -> impl Iterator<Item = Self> {
        self.0.resource_spans.into_iter().flat_map(|resource| {
            let ResourceSpans { resource, scope_spans, schema_url } = resource;
            scope_spans.into_iter().flat_map(move |scopes| {
                let ScopeSpans { scope, spans, schema_url: of_scope } = scopes;
                let (resource, schema_url) = (resource.clone(), schema_url.clone());
                spans.into_iter().map(move |span| {
                    let scope_spans =
                        vec![ScopeSpans { scope: scope.clone(), spans: vec![span], schema_url: of_scope.clone() }];
                    let mut request = Self::default();
                    let (resource, schema_url) = (resource.clone(), schema_url.clone());
                    request.0.resource_spans.push(ResourceSpans { resource, scope_spans, schema_url });
                    request
                })
            })
        })
    }

    /// Adds a request of one span, next to the last one where resource and scope are the same.
    fn append_single(&mut self, single: Self) {
        for mut resource in single.0.resource_spans {
            if let Some(last) = self.0.resource_spans.last_mut()
                && last.resource == resource.resource
                && let (Some(scope), [more]) = (last.scope_spans.last_mut(), resource.scope_spans.as_mut_slice())
                && scope.scope == more.scope
            {
                scope.spans.append(&mut more.spans);
            } else {
                self.0.resource_spans.push(resource);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvertOptions, convert};
    use trace_core::model::Trace;

    fn traces(count: usize) -> Vec<Trace> {
        let trace = |n: usize| Trace {
            trace_id: format!("trc_{n}"),
            project_name: format!("project {}", n % 3),
            ..Trace::default()
        };
        (0..count).map(trace).collect()
    }

    fn ids(requests: &[OtlpRequest]) -> Vec<Vec<u8>> {
        let mut ids: Vec<Vec<u8>> = requests.iter().flat_map(|r| r.spans().map(|span| span.span_id.clone())).collect();
        ids.sort();
        ids
    }

    #[test]
    fn nothing_is_lost_or_doubled_by_splitting() {
        let whole = convert(&traces(10), &ConvertOptions::default());
        let all = ids(std::slice::from_ref(&whole));
        let pieces = whole.clone().pieces(3, usize::MAX);
        assert!(pieces.iter().all(|piece| piece.span_count() <= 3));
        assert_eq!(ids(&pieces), all);
        let by_size = whole.clone().pieces(100, 1);
        assert_eq!((by_size.len(), ids(&by_size)), (10, all.clone()));
        let (first, second) = whole.halves();
        assert_eq!((first.span_count(), second.span_count()), (5, 5));
        let mut together = first;
        together.append(second);
        assert_eq!(ids(&[together]), all);
    }
}
