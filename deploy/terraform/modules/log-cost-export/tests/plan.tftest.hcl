# What a plan says, with the real provider and no AWS.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

variables {
  name_prefix = "acme-logs"
}

run "defaults" {
  command = plan

  assert {
    condition     = jsondecode(data.aws_iam_policy_document.bucket.json).Statement[1].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only exports of this account may be written here."
  }

  assert {
    condition     = length(jsondecode(data.aws_iam_policy_document.bucket.json).Statement) == 2
    error_message = "Nobody else may read by default."
  }

  assert {
    condition     = !strcontains(output.read_policy_json, "Put") && !strcontains(output.read_policy_json, "Delete") && !strcontains(output.read_policy_json, "s3:*")
    error_message = "Readers can only read."
  }

  assert {
    condition     = strcontains(aws_bcmdataexports_export.focus.export[0].data_query[0].query_statement, "EffectiveCost") && !strcontains(aws_bcmdataexports_export.focus.export[0].data_query[0].query_statement, "*")
    error_message = "Columns are named."
  }

  assert {
    condition     = aws_bcmdataexports_export.focus.export[0].destination_configurations[0].s3_destination[0].s3_output_configurations[0].overwrite == "OVERWRITE_REPORT"
    error_message = "A period's files are replaced: appended ones would be counted twice."
  }
}

run "reader_of_another_account" {
  command = plan

  variables {
    reader_principal_arns = ["arn:aws:iam::210987654321:role/lokiops"]
  }

  assert {
    condition     = jsondecode(data.aws_iam_policy_document.bucket.json).Statement[2].Principal.AWS == "arn:aws:iam::210987654321:role/lokiops"
    error_message = "The role may read."
  }
}

run "everybody_as_reader_is_refused" {
  command = plan

  variables {
    reader_principal_arns = ["*"]
  }

  expect_failures = [var.reader_principal_arns]
}

run "keeping_less_than_two_months_is_refused" {
  command = plan

  variables {
    retention_days = 30
  }

  expect_failures = [var.retention_days]
}
