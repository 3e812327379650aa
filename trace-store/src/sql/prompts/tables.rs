//! The tables of the registry. A field is a column of the same name.

use crate::sql::value::{Json, row};
use trace_core::model::{Money, Timestamp};

row! {
    /// A version of a prompt. The sums behind the averages are columns of their own, which only [`super::statistics`] touches.
    pub(crate) struct TemplateRow in "prompt_templates", key [id], keep [] {
        id: String,
        name: String,
        registry_name: String,
        version: i64,
        system_text: Option<String>,
        template_text: String,
        variables: Vec<String>,
        is_active: bool,
        ab_test_group: Option<String>,
        traffic_percentage: Option<f64>,
        parent_version_id: Option<String>,
        commit_message: Option<String>,
        metadata: Json,
        total_executions: i64,
        success_count: i64,
        failure_count: i64,
        avg_response_time_ms: Option<f64>,
        avg_token_count: Option<f64>,
        avg_cost_usd: Option<Money>,
        created_at: Timestamp,
        template_hash: String,
    }
}

row! {
    /// A version of a prompt without its texts.
    pub(crate) struct IndexRow in "prompt_templates", key [id], keep [] {
        id: String,
        name: String,
        registry_name: String,
        version: i64,
        template_hash: String,
        is_active: bool,
        created_at: Timestamp,
    }
}

row! {
    /// A name that points to a version.
    pub(crate) struct LabelRow in "prompt_labels", key [registry_name, label], keep [] {
        registry_name: String,
        label: String,
        version: i64,
        updated_at: Timestamp,
    }
}

row! {
    /// A split of traffic between versions.
    pub(crate) struct ExperimentRow in "prompt_experiments", key [id], keep [] {
        id: String,
        registry_name: String,
        name: String,
        arms: Json,
        status: String,
        started_at: Timestamp,
        ended_at: Option<Timestamp>,
        metadata: Json,
        sticky_key: String,
    }
}
