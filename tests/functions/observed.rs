//! What `#[observable]` says of calls, and the attribute on whole `impl` blocks.

use super::{observation, stage, tree};
use serde_json::json;
use whytrace::prelude::*;
use whytrace::testing;

#[derive(TracingComponent)]
#[component(name = "answerer", decisions("model_chosen"), outputs("answer"))]
struct Answerer<T>(T);

struct Completion {
    text: String,
    tokens: u64,
}

prompt! { SUPPORT = "support", template = "Help with {{ ticket }}", system = "Be kind." }

impl Answerer<u8> {
    #[observable(
        "llm_generation",
        kind = llm,
        component = Answerer<u8>,
        prompt = SUPPORT,
        model = format!("gpt-{}", self.0),
        input(prompt.len()),
        usage(|r| Usage::new(r.tokens, 2)),
        response(|r| r.text.as_str()),
    )]
    fn generate(&self, prompt: &str) -> Result<Completion, String> {
        if prompt.is_empty() {
            return Err("empty prompt".to_owned());
        }
        Ok(Completion { text: prompt.to_uppercase(), tokens: 5 })
    }
}

#[test]
fn a_model_call_carries_prompt_model_usage_and_response() {
    let run = testing::trace(|| {
        let rendered = SUPPORT { ticket: "a door" }.render().unwrap();
        let answerer = Answerer(4);
        (answerer.generate(&rendered).is_ok(), answerer.generate("").is_err())
    });
    let generation = observation(run.trace(), "llm_generation");
    assert_eq!(generation.kind.as_str(), "llm");
    assert_eq!(generation.input, json!({"prompt.len()": 16}));
    let llm = generation.llm.as_ref().unwrap();
    assert_eq!(llm.model.as_deref(), Some("gpt-4"));
    assert_eq!(llm.response, json!("HELP WITH A DOOR"));
    assert_eq!(llm.usage, Some(Usage::new(5, 2)));
    assert_eq!(llm.prompt_name.as_deref(), Some("support"));
    assert_eq!(llm.prompt_registry_name.as_deref(), Some("support_prompt"));
    assert_eq!(llm.template_hash.as_deref(), Some(SUPPORT.template_hash()));
}

struct Tools;

#[observable(kind = tool, input_all, output)]
impl Tools {
    const LIMIT: usize = 3;

    const fn limit() -> usize {
        Self::LIMIT
    }

    fn search(&self, query: &str) -> usize {
        query.len().min(Self::limit())
    }

    fn reset(&mut self) {}

    #[observable("renamed", kind = agent)]
    fn own(&self, secret: &str) -> usize {
        secret.len()
    }

    #[observable(skip)]
    #[allow(clippy::unused_self)]
    fn hidden(&self) {}

    #[traced_stage]
    fn stage(&self) {}
}

#[test]
fn an_impl_block_observes_each_method() {
    let run = testing::trace(|| {
        let mut tools = Tools;
        tools.search("robots");
        tools.reset();
        tools.own("hunter2");
        tools.hidden();
        tools.stage();
    });
    assert_eq!(
        tree(run.trace()),
        "\
├─ stage _run: ok
│  ├─ observation search [tool]: ok
│  ├─ observation reset [tool]: ok
│  └─ observation renamed [agent]: ok
└─ stage stage: ok
"
    );
    let search = observation(run.trace(), "search");
    assert_eq!((&search.input, &search.output), (&json!({"query": "robots"}), &json!(3)));
    assert_eq!(observation(run.trace(), "renamed").input, json!(null));
}

const NAME: &str = "by constant";

#[traced_stage(name = NAME, component = Answerer<u8>)]
#[observable]
fn stacked() -> u8 {
    decision!("model_chosen", what = "small", why = "cheap");
    1
}

#[test]
fn attributes_can_be_stacked_and_sites_are_registered() {
    let run = testing::trace(stacked);
    assert!(tree(run.trace()).contains("stage by constant: ok\n"));
    assert_eq!(stage(run.trace(), NAME).decisions[0].component.as_deref(), Some("answerer"));
    let registry = whytrace::registry::registry();
    let site = registry.sites.iter().find(|site| site.name == NAME).unwrap();
    assert_eq!(site.decisions, ["model_chosen"]);
    assert_eq!(site.component.unwrap().name, "answerer");
}
