//! Microsoft's query protocols, answer by answer.

use serde_json::{Value, json};

use super::*;

struct Door {
    fixture: Fixture,
    key: String,
}

/// A service that has one call of a gateway.
async fn door() -> Door {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Ingest, Scope::Read]).await;
    let sent = fixture
        .call(&Method::POST, "/api/v1/ingest", Some(&key), RECORD)
        .await;
    assert_eq!(sent.0, StatusCode::OK, "{}", sent.1);
    Door { fixture, key }
}

impl Door {
    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let (status, text) = self
            .fixture
            .call(&Method::POST, path, Some(&self.key), &body.to_string())
            .await;
        (status, serde_json::from_str(&text).unwrap_or(json!(text)))
    }

    async fn asked(&self, path: &str, csl: &str) -> Value {
        let (status, answer) = self.post(path, &json!({"db": "default", "csl": csl})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

const QUERY: &str = "ApiManagementGatewayLogs | project TimeGenerated, ApiId, ResponseCode, IsRequestSuccess, \
    Fields = dynamic({\"a\":[1]}), Span = 1d + 1tick, Missing = real(null)";

#[tokio::test]
async fn version_one_has_tables() {
    let answer = door().await.asked("/v1/rest/query", QUERY).await;
    let tables = answer["Tables"].as_array().unwrap();
    let names: Vec<_> = tables.iter().map(|table| &table["TableName"]).collect();
    assert_eq!(names, ["Table_0", "Table_1", "Table_2", "Table_3"]);
    let column =
        json!({"ColumnName": "TimeGenerated", "DataType": "DateTime", "ColumnType": "datetime"});
    assert_eq!(tables[0]["Columns"][0], column);
    let time = "2026-01-01T00:00:00.1234560Z";
    let row = json!([time, "orders", 200, null, {"a": [1]}, "1.00:00:00.0000001", null]);
    assert_eq!(tables[0]["Rows"], json!([row]));
    assert_eq!(tables[3]["Rows"][0][1], "QueryResult");
    assert_eq!(tables[3]["Rows"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn version_two_has_frames() {
    let answer = door().await.asked("/v2/rest/query", QUERY).await;
    let frames = answer.as_array().unwrap();
    let kinds: Vec<_> = frames
        .iter()
        .map(|frame| frame["FrameType"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "DataSetHeader",
            "DataTable",
            "DataTable",
            "DataTable",
            "DataSetCompletion"
        ]
    );
    assert_eq!(frames[2]["TableKind"], "PrimaryResult");
    assert_eq!(frames[2]["Rows"][0][1], "orders");
    assert_eq!(frames[3]["TableKind"], "QueryCompletionInformation");
    assert_eq!(frames[3]["Rows"][0][5], 4);
    assert_eq!(frames[4]["HasErrors"], false);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_says_so() {
    let door = door().await;
    let csl = "range x from 1 to 10 step 1";
    let options = json!({"Options": {"truncationmaxrecords": 3}});
    let body = json!({"csl": csl, "properties": options});
    let (_, one) = door.post("/v1/rest/query", &body).await;
    assert_eq!(one["Tables"][0]["Rows"].as_array().unwrap().len(), 3);
    assert!(
        one["Exceptions"][0]
            .as_str()
            .unwrap()
            .contains("E_QUERY_RESULT_SET_TOO_LARGE")
    );
    let (_, two) = door.post("/v2/rest/query", &body).await;
    assert_eq!(two[4]["HasErrors"], true);
    assert!(two[2]["Rows"][3]["OneApiErrors"][0]["error"]["code"].is_string());
    let options = json!({"Options": {"query_take_max_records": 3}}).to_string();
    let body = json!({"csl": csl, "properties": options});
    let (_, taken) = door.post("/v2/rest/query", &body).await;
    assert_eq!(taken[4]["HasErrors"], false);
    assert_eq!(taken[2]["Rows"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn parameters_are_declared() {
    let csl = "declare query_parameters(who: string, n: long); print who, n + 1";
    let properties = json!({"Parameters": {"who": "'a'", "n": "41"}});
    let body = json!({"csl": csl, "properties": properties});
    let (status, answer) = door().await.post("/v1/rest/query", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["Tables"][0]["Rows"], json!([["a", 42]]));
}

#[tokio::test]
async fn errors_are_said_as_each_protocol_says_them() {
    let door = door().await;
    let (status, answer) = door
        .post("/v2/rest/query", &json!({"csl": "Nothing | take 1"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let error = &answer["error"];
    assert_eq!(error["code"], "General_BadRequest");
    assert_eq!(
        error["@type"],
        "Kusto.Data.Exceptions.KustoBadRequestException"
    );
    let text = error["@message"].as_str().unwrap();
    assert!(
        text.starts_with("Semantic error: line 1, column 1"),
        "{text}"
    );
    let (status, answer) = door
        .post("/v1/rest/query", &json!({"csl": "AuditLogs | | take"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let text = answer["error"]["@message"].as_str().unwrap();
    assert!(
        text.starts_with("Syntax error: line 1, column 13"),
        "{text}"
    );
    let path = "/v1/workspaces/default/query";
    let (status, answer) = door
        .post(path, &json!({"query": "AuditLogs | | take"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["error"]["code"], "BadArgumentError");
    let inner = &answer["error"]["innererror"];
    assert_eq!(inner["code"], "SyntaxError");
    assert_eq!(inner["innererror"]["pos"], 13);
    let other = door
        .post("/v1/workspaces/other/query", &json!({"query": "print 1"}))
        .await;
    assert_eq!(other.0, StatusCode::NOT_FOUND);
    let wrong = door
        .fixture
        .call(&Method::POST, path, Some("bzn_wrong"), "{}")
        .await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.1.contains("AuthorizationRequiredError"),
        "{}",
        wrong.1
    );
}

#[tokio::test]
async fn log_analytics_has_a_time_span() {
    let door = door().await;
    let path = "/v1/workspaces/3f2b8a52-9d0e-11ef-8f3b-6045bd1e2a34/query";
    let query = "ApiManagementGatewayLogs | project ApiId, Fields = dynamic({\"a\":1})";
    let ask = async |timespan: &str| {
        let body = json!({"query": query, "timespan": timespan});
        let (status, answer) = door.post(path, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["tables"][0].clone()
    };
    let table = ask("2026-01-01T00:00:00Z/P1D").await;
    assert_eq!(table["name"], "PrimaryResult");
    assert_eq!(
        table["columns"][1],
        json!({"name": "Fields", "type": "dynamic"})
    );
    assert_eq!(table["rows"], json!([["orders", "{\"a\":1}"]]));
    assert_eq!(ask("2025-01-01T00:00:00Z/P1D").await["rows"], json!([]));
    let wrong = door
        .post(path, &json!({"query": query, "timespan": "yesterday"}))
        .await;
    assert_eq!(wrong.0, StatusCode::BAD_REQUEST);
    let batch = json!({"requests": [
        {"id": "a", "workspace": "default", "body": {"query": "print x = 1"}, "headers": {"Prefer": "include-statistics=true"}},
        {"id": "b", "workspace": "default", "body": {"query": "nonsense"}}]});
    let (_, answer) = door.post("/v1/$batch", &batch).await;
    let responses = answer["responses"].as_array().unwrap();
    assert_eq!(responses[0]["body"]["tables"][0]["rows"], json!([[1]]));
    assert!(responses[0]["body"]["statistics"].is_object());
    assert_eq!(
        (&responses[1]["id"], &responses[1]["status"]),
        (&json!("b"), &json!(400))
    );
}

#[tokio::test]
async fn commands_tell_what_is_there() {
    let door = door().await;
    let show = async |command: &str| {
        let answer = door.asked("/v1/rest/mgmt", command).await;
        answer["Tables"][0]["Rows"].clone()
    };
    assert_eq!(show(".show databases").await[0][0], "default");
    let tables = show(".show tables | where TableName startswith 'Api' | count").await;
    assert_eq!(tables, json!([[6]]));
    let schema = show(".show table ['AuditLogs'] cslschema").await;
    let schema = schema[0][1].as_str().unwrap();
    assert!(
        schema.starts_with("TimeGenerated:datetime,AADOperationType:string"),
        "{schema}"
    );
    let whole = show(".show databases schema as json").await;
    let whole: Value = serde_json::from_str(whole[0][0].as_str().unwrap()).unwrap();
    let columns = &whole["Databases"]["default"]["Tables"]["AuditLogs"]["OrderedColumns"];
    assert_eq!(
        columns[0],
        json!({"Name": "TimeGenerated", "Type": "System.DateTime", "CslType": "datetime"})
    );
    let details = show(".show table ApiManagementGatewayLogs details").await;
    assert_eq!(details[0][6], 1);
    let functions = show(".show functions").await;
    assert_eq!(functions[0][0], "_Im_WebSession");
    assert!(
        functions[0][1]
            .as_str()
            .unwrap()
            .ends_with("pack: bool = false\n)")
    );
    // Grafana's plug-in asks so whether the door is there.
    door.asked("/v1/rest/query", ".show databases schema").await;
    let (status, answer) = door
        .post("/v1/rest/mgmt", &json!({"csl": ".drop table AuditLogs"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn an_answer_says_how_long_planning_took() {
    let door = door().await;
    let request = Request::post("/api/v1/query")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", door.key))
        .body(Body::from(r#"{"query": "print 1", "language": "kql"}"#));
    let (head, _) = door.fixture.send(request.unwrap()).await;
    let timing = head.headers["server-timing"].to_str().unwrap();
    let milliseconds: f64 = timing.strip_prefix("plan;dur=").unwrap().parse().unwrap();
    assert!(milliseconds > 0.0, "{timing}");
}

#[tokio::test]
async fn our_own_door_takes_kql_too() {
    let door = door().await;
    let ask = async |query: &str, format: &str| {
        let body = json!({"query": query, "language": "kql", "format": format}).to_string();
        let path = "/api/v1/query";
        door.fixture
            .call(&Method::POST, path, Some(&door.key), &body)
            .await
    };
    let (status, text) = ask("print n = 1, s = 1h", "json").await;
    let expected = r#"{"columns":[{"name":"n","type":"long"},{"name":"s","type":"timespan"}],"rows":[[1,"01:00:00"]],"truncated":false}"#;
    assert_eq!((status, text.trim_end()), (StatusCode::OK, expected));
    assert_eq!(
        ask("print n = -1, s = 1h", "csv").await.1,
        "n,s\n-1,01:00:00\n"
    );
    let (status, text) = ask("print n = ", "json").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains(r#""line":1,"column":"#), "{text}");
    let list = "_GetWatchlist('nothing') | getschema | project ColumnName";
    let (_, text) = ask(list, "csv").await;
    assert_eq!(
        text,
        "ColumnName\n_DTItemId\nLastUpdatedTimeUTC\nSearchKey\n"
    );
}

#[tokio::test]
async fn views_show_gateway_and_flow_logs_as_older_rules_know_them() {
    let door = door().await;
    let rows = async |csl: &str| {
        let answer = door.asked("/v1/rest/query", csl).await;
        answer["Tables"][0]["Rows"].clone()
    };
    let session = "_Im_WebSession(eventresult='Success', url_has_any=dynamic(['example'])) \
        | project SrcIpAddr, HttpRequestMethod, HttpStatusCode, DstHostname, EventProduct";
    let expected = json!([[
        "192.0.2.1",
        "GET",
        "200",
        "api.example.org",
        "API Management"
    ]]);
    assert_eq!(rows(session).await, expected);
    assert_eq!(
        rows("_Im_WebSession(eventresult='Failure') | count").await,
        json!([[0]])
    );
    assert_eq!(rows("_Im_NetworkSession | count").await, json!([[0]]));
    assert_eq!(rows("imAuthentication | count").await, json!([[0]]));
    assert_eq!(
        rows("AzureNetworkAnalytics_CL | where SrcIP_s == '' | count").await,
        json!([[0]])
    );
    let distinct = "datatable(a: string, b: bool)['x', true, 'x', true, 'y', false] | summarize count_distinctif(a, b)";
    assert_eq!(rows(distinct).await, json!([[1]]));
    assert_eq!(
        rows("ApiManagementGatewayLogs | project _ItemId").await,
        json!([[""]])
    );
}
