/**
 * Where the forms of questions and answers were read that the stubs of these tests speak: documentation of the makers,
 * or where it is silent the sources of their servers and clients. Read in stored copies, not live.
 */
export const pages: Readonly<Record<string, readonly string[]>> = {
  prometheus: [
    "https://prometheus.io/docs/prometheus/latest/querying/api/",
    "https://thanos.io/tip/components/query.md/",
    "https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/",
    "https://github.com/thanos-io/thanos/issues/6223",
  ],
  datadog: ["https://docs.datadoghq.com/api/latest/metrics/"],
  newRelic: ["https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/"],
  cloudWatch: [
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html",
  ],
  googleCloudMonitoring: [
    "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list",
    "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aggregation",
  ],
  dynatrace: ["https://docs.dynatrace.com/docs/shortlink/api-metrics-v2-get-datapoints"],
  graphite: ["https://graphite.readthedocs.io/en/latest/render_api.html"],
  influxdb: [
    "https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/",
    "https://docs.influxdata.com/influxdb/v2/api/query-data-v1-compatible/",
    "https://docs.influxdata.com/influxdb3/core/query-data/execute-queries/influxdb-v3-api/",
  ],
  splunk: [
    "https://help.splunk.com/en/splunk-enterprise/leverage-rest-apis/rest-api-tutorials/9.0/rest-api-tutorials/creating-searches-using-the-rest-api",
    "https://github.com/splunk/splunk-sdk-python",
  ],
  splunkObservability: ["https://github.com/signalfx/signalflow-client-python"],
  elasticsearch: [
    "https://elastic.co/docs/api/doc/elasticsearch/operation/operation-esql-query",
    "https://github.com/elastic/elasticsearch-specification",
  ],
};
