# What a plan says, with the real provider and no AWS.

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
}

variables {
  name                       = "acme-lokiops-storage"
  description                = "lokiops storage-lag: lists the chunks bucket"
  cluster                    = "ops"
  namespace_service_accounts = ["loki:lokiops-storage"]
  oidc_provider_arn          = "arn:aws:iam::123456789012:oidc-provider/id.example.com/X"
  policy_json                = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:ListBucket\",\"Resource\":\"arn:aws:s3:::acme-loki-chunks\"}]}"
}

run "only_the_account_named" {
  command = plan

  assert {
    condition     = jsondecode(output.trust_policy_json).Statement[0].Condition.StringEquals["id.example.com/X:sub"] == "system:serviceaccount:loki:lokiops-storage"
    error_message = "The subject is exact."
  }

  assert {
    condition     = jsondecode(output.trust_policy_json).Statement[0].Condition.StringEquals["id.example.com/X:aud"] == "sts.amazonaws.com"
    error_message = "The audience is exact."
  }

  assert {
    condition     = length(jsondecode(output.trust_policy_json).Statement) == 1 && jsondecode(aws_iam_policy.this.policy) == jsondecode(var.policy_json)
    error_message = "One way in, and the given policy."
  }
}

run "pod_identity" {
  command = plan

  variables {
    oidc_provider_arn = null
    pod_identity      = true
  }

  assert {
    condition     = jsondecode(output.trust_policy_json).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-service-account"] == "lokiops-storage"
    error_message = "The account is exact here, too."
  }
}

run "nobody_is_refused" {
  command = plan

  variables {
    oidc_provider_arn = null
  }

  expect_failures = [aws_iam_role.this]
}

run "everything_is_refused" {
  command = plan

  variables {
    policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"
  }

  expect_failures = [var.policy_json]
}

run "any_pod_is_refused" {
  command = plan

  variables {
    namespace_service_accounts = ["loki:*"]
  }

  expect_failures = [var.namespace_service_accounts]
}
