use super::*;

fn vnet(tuples: &str) -> String {
    format!(
        r#"{{"time":"2024-01-01T00:00:10Z","flowLogVersion":4,"flowLogGUID":"g",
            "macAddress":"00-22-48-7b-C2-05","category":"FlowLogFlowEvent",
            "flowLogResourceID":"/SUBSCRIPTIONS/S/FLOWLOGS/L","operationName":"FlowLogFlowEvent",
            "targetResourceID":"/subscriptions/S/virtualNetworks/V",
            "flowRecords":{{"flows":[{{"aclID":"/subscriptions/S/nsg/N",
                "flowGroups":[{{"rule":"R","flowTuples":[{tuples}]}}]}}]}}}}"#
    )
}

fn nsg(version: u32, tuples: &str) -> String {
    format!(
        r#"{{"time":"2024-01-01T00:00:10Z","systemId":"y","category":"NetworkSecurityGroupFlowEvent",
            "resourceId":"/SUBSCRIPTIONS/S/NETWORKSECURITYGROUPS/N",
            "operationName":"NetworkSecurityGroupFlowEvents","properties":{{"Version":{version},
            "flows":[{{"rule":"R","flows":[{{"mac":"0022487BC205","flowTuples":[{tuples}]}}]}}]}}}}"#
    )
}

#[test]
fn a_vnet_tuple_is_a_row() {
    check(
        &vnet(r#""1700000000123,10.0.0.4,192.0.2.7,5001,443,6,O,E,NX,3,705,4,4569""#),
        json!([{
            "TimeGenerated": "2023-11-14T22:13:20.123Z",
            "FlowStartTime": "2023-11-14T22:13:20.123Z",
            "FlowEndTime": "2023-11-14T22:13:20.123Z",
            "TimeProcessed": "2024-01-01T00:00:10Z",
            "AclGroup": "/subscriptions/s/nsg/n", "AclRule": "R",
            "SrcIp": "10.0.0.4", "DestIp": "192.0.2.7", "SrcPorts": "5001", "DestPort": 443,
            "L4Protocol": "T", "FlowDirection": "Outbound", "FlowStatus": "Allowed",
            "FlowEncryption": "NX", "CompletedFlows": 1,
            "PacketsSrcToDest": 3, "BytesSrcToDest": 705,
            "PacketsDestToSrc": 4, "BytesDestToSrc": 4569,
            "SubType": "FlowLog", "FaSchemaVersion": "4", "MacAddress": "0022487BC205",
            "TargetResourceId": "/subscriptions/s/virtualnetworks/v",
            "FlowLogResourceId": "/subscriptions/s/flowlogs/l",
            "_ResourceId": "/subscriptions/s/virtualnetworks/v", "_SubscriptionId": "s",
            "AdditionalFields": {"flowState": "E", "flowLogGUID": "g"},
        }]),
    );
}

#[test]
fn an_nsg_tuple_is_a_row() {
    check(
        &nsg(2, r#""1700000000,192.0.2.7,10.0.0.4,5001,22,T,I,D,B,,,,""#),
        json!([{
            "TimeGenerated": "2023-11-14T22:13:20Z",
            "FlowStartTime": "2023-11-14T22:13:20Z",
            "FlowEndTime": "2023-11-14T22:13:20Z",
            "TimeProcessed": "2024-01-01T00:00:10Z",
            "AclGroup": "/subscriptions/s/networksecuritygroups/n", "AclRule": "R",
            "NsgList": "/subscriptions/s/networksecuritygroups/n", "NsgRule": "R",
            "SrcIp": "192.0.2.7", "DestIp": "10.0.0.4", "SrcPorts": "5001", "DestPort": 22,
            "L4Protocol": "T", "FlowDirection": "Inbound", "FlowStatus": "Denied",
            "DeniedInFlows": 1,
            "SubType": "FlowLog", "FaSchemaVersion": "2", "MacAddress": "0022487BC205",
            "_ResourceId": "/subscriptions/s/networksecuritygroups/n", "_SubscriptionId": "s",
            "AdditionalFields": {"flowState": "B", "systemId": "y"},
        }]),
    );
    check_some(
        &nsg(1, r#""1700000000,10.0.0.4,192.0.2.7,5001,53,U,O,A""#),
        json!({
            "FaSchemaVersion": "1", "L4Protocol": "U", "FlowStatus": "Allowed",
            "AllowedOutFlows": 1, "BytesSrcToDest": null, "AdditionalFields": {"systemId": "y"},
        }),
    );
}

#[test]
fn states_are_counted_once() {
    #[track_caller]
    fn check_counts(state: &str, allowed: Option<u8>, denied: Option<u8>, completed: Option<u8>) {
        check_some(
            &vnet(&format!(
                r#""1700000000123,10.0.0.4,192.0.2.7,1,2,1,I,{state},NX,0,0,0,0""#
            )),
            json!({
                "AllowedInFlows": allowed, "DeniedInFlows": denied, "CompletedFlows": completed,
                "AllowedOutFlows": null, "DeniedOutFlows": null, "L4Protocol": "1",
            }),
        );
    }
    check_counts("B", Some(1), None, None);
    check_counts("C", None, None, None);
    check_counts("E", None, None, Some(1));
    check_counts("D", None, Some(1), None);
}

#[test]
fn unknown_members_any_casing_and_escapes_take_the_slower_way() {
    check_some(
        r#"{"Time":"2024-01-01T00:00:10Z","FLOWRECORDS":{"Flows":[{"AclId":"a\/b","new":1,
            "flowgroups":[{"Rule":"R","flowtuples":
            ["1700000000,10.0.0.4,192.0.2.7,1,2,6,I,B,NX\u002C,,,"]}]}],"other":2}}"#,
        json!({
            "AclGroup": "a/b", "AclRule": "R", "FlowStatus": "Allowed",
            "AdditionalFields": {"flowState": "B", "flows": {"other": 2, "new": 1}},
        }),
    );
    check_some(
        &r#"{"category":"NetworkSecurityGroupFlowEvent","properties":
            "{\"Version\":\"2\",\"flows\":[{\"rule\":\"R\",\"flows\":[{\"mac\":\"m\",
            \"flowTuples\":[\"1700000000,10.0.0.4,192.0.2.7,1,2,T,I,A\"]}]}]}"}"#
            .replace('\n', ""),
        json!({"NsgRule": "R", "FaSchemaVersion": "2", "MacAddress": null}),
    );
}

#[test]
fn tuples_that_cannot_be_read_are_quarantined_within_their_record() {
    #[track_caller]
    fn check_rest(body: &str, place: &str) {
        let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
        assert_eq!((decoded.accepted, decoded.quarantined), (1, 1));
        let kept = quarantine::kept(&decoded);
        let rest: Value = serde_json::from_slice(&kept[0].0).unwrap();
        assert_eq!(rest.pointer(place), Some(&json!(["bad, 1", "7"])), "{rest}");
        assert!(rest["category"].is_string() && rest["time"].is_string());
        // Replayed, the rest gives no row that is there already.
        let replayed = run(&Limits::default(), &kept[0].0).unwrap();
        assert_eq!((replayed.accepted, replayed.quarantined), (0, 1));
    }
    let good = r#""1700000000123,10.0.0.4,192.0.2.7,1,2,6,I,B,NX,0,0,0,0""#;
    check_rest(
        &vnet(&format!(r#"{good},"bad, 1",{good},7"#)),
        "/flowRecords/flows/0/flowGroups/0/flowTuples",
    );
    check_rest(
        &nsg(2, r#""1700000000,10.0.0.4,192.0.2.7,1,2,T,I,A","bad, 1",7"#),
        "/properties/flows/0/flows/0/flowTuples",
    );
}

#[test]
fn flow_logs_without_flows() {
    let decoded = run(&Limits::default(), vnet("").as_bytes()).unwrap();
    assert_eq!(
        (decoded.accepted, decoded.quarantined, decoded.parts.len()),
        (1, 0, 0)
    );
    let decoded = run(&Limits::default(), br#"{"category":"FlowLogFlowEvent"}"#).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
}

#[test]
fn copies_are_bounded() {
    let tuple = r#""1700000000,10.0.0.4,192.0.2.7,1,2,6,I,B,NX,,,,""#;
    let body = vnet(&[tuple; 100].join(","));
    let limits = Limits {
        copies_max: 5_000,
        ..Limits::default()
    };
    let decoded = run(&limits, body.as_bytes()).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
}

#[test]
fn rows_of_log_analytics() {
    check_some(
        r#"{"Type":"NTANetAnalytics","TimeGenerated":"2024-01-01T00:00:00Z","SrcIp":"10.0.0.1",
            "DestPort":"443","FlowStatus":"Denied","Odd":1}"#,
        json!({
            "TimeGenerated": "2024-01-01T00:00:00Z", "SrcIp": "10.0.0.1", "DestPort": 443,
            "FlowStatus": "Denied", "AdditionalFields": {"Odd": 1},
        }),
    );
}
