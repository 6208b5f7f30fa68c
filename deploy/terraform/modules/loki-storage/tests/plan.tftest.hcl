# What a plan says, with the real provider and no AWS: policies are rendered by the provider itself.

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
  name_prefix           = "acme-loki"
  oidc_provider_arn     = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
  tenant_retention_days = { ops = 30, dev = 7, prod = 90 }
}

run "defaults" {
  command = plan

  assert {
    condition     = output.bucket_arns == { chunks = "arn:aws:s3:::acme-loki-chunks", ruler = "arn:aws:s3:::acme-loki-ruler" }
    error_message = "Only chunks and ruler are made: an admin bucket is for Enterprise Logs."
  }

  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "Every bucket blocks public access in all four ways."
  }

  assert {
    condition     = length(aws_s3_bucket_public_access_block.this) == 2 && length(aws_s3_bucket_policy.this) == 2 && length(aws_s3_bucket_lifecycle_configuration.this) == 2
    error_message = "Every bucket has each of the settings."
  }

  assert {
    condition     = alltrue([for controls in aws_s3_bucket_ownership_controls.this : controls.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "Every bucket is without ACLs."
  }

  assert {
    condition     = alltrue([for versioning in aws_s3_bucket_versioning.this : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "Every bucket is versioned: the only undo of a wrong retention."
  }

  assert {
    condition     = alltrue([for sse in aws_s3_bucket_server_side_encryption_configuration.this : alltrue([for rule in sse.rule : one(rule.apply_server_side_encryption_by_default).sse_algorithm == "AES256"])])
    error_message = "Without a key the buckets are encrypted with S3's."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy && bucket.tags["component"] == "loki" && bucket.tags["cluster"] == "ops" && bucket.tags["cost-center"] == "platform"])
    error_message = "Buckets with logs are not destroyed by default, and bear the tags that costs are grouped by."
  }

  assert {
    condition     = output.tenant_expiration_days == { ops = 44, dev = 21, prod = 104 }
    error_message = "S3 deletes 14 days after Loki should have."
  }

  assert {
    condition = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this["chunks"].rule :
      rule.id == "noncurrent-versions-and-unfinished-uploads" ? try(coalesce(rule.expiration[0].days, 0), 0) == 0 && length(rule.transition) == 0 : rule.filter[0].prefix == "${trimprefix(rule.id, "tenant-")}/"
    ])
    error_message = "Nothing expires or moves outside of a tenant's prefix: index/ belongs to all of them."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this["ruler"].rule) == 1
    error_message = "Rules of the ruler never expire."
  }

  assert {
    condition     = strcontains(data.aws_iam_policy_document.bucket["chunks"].json, "aws:SecureTransport") && jsondecode(data.aws_iam_policy_document.bucket["chunks"].json).Statement[0].Effect == "Deny"
    error_message = "Plain HTTP is denied."
  }

  assert {
    condition     = !strcontains(output.iam_policy_json, "kms:")
    error_message = "Without a key the role gets no KMS actions."
  }

  assert {
    condition = (
      jsondecode(data.aws_iam_policy_document.trust.json).Statement[0].Condition.StringEquals["oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE:sub"] == "system:serviceaccount:loki:loki" &&
      jsondecode(data.aws_iam_policy_document.trust.json).Statement[0].Condition.StringEquals["oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE:aud"] == "sts.amazonaws.com"
    )
    error_message = "The trust policy names the one service account and the audience, both exactly."
  }
}

run "key_of_the_account" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = alltrue([for sse in aws_s3_bucket_server_side_encryption_configuration.this : alltrue([for rule in sse.rule : rule.bucket_key_enabled && one(rule.apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn])])
    error_message = "The buckets use the key, with a bucket key."
  }

  assert {
    condition     = jsondecode(output.iam_policy_json).Statement[2] == { Sid = "EncryptAndDecrypt", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = var.kms_key_arn }
    error_message = "The role may use that key and no other."
  }
}

run "admin_bucket_by_option" {
  command = plan

  variables {
    create_admin_bucket = true
  }

  assert {
    condition     = contains(keys(output.bucket_arns), "admin") && length(aws_s3_bucket_lifecycle_configuration.this["admin"].rule) == 1 && strcontains(output.iam_policy_json, "acme-loki-admin/*")
    error_message = "The admin bucket has the settings of the others, and the role may use it."
  }
}

run "tiering_only_where_it_is_cheaper" {
  command = plan

  variables {
    tiering = { storage_class = "STANDARD_IA", days = 30 }
  }

  assert {
    condition     = output.tiered_tenants == tolist(["prod"])
    error_message = "ops (30 days) and dev (7) delete before the class's 30 days are used up."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this["chunks"].rule : length(rule.transition) == (rule.id == "tenant-prod" ? 1 : 0)])
    error_message = "Only prod's rule has a transition."
  }
}

run "pod_identity" {
  command = plan

  variables {
    oidc_provider_arn          = null
    pod_identity               = true
    namespace_service_accounts = ["loki:loki", "loki-test:loki"]
  }

  assert {
    condition     = length(jsondecode(data.aws_iam_policy_document.trust.json).Statement) == 2 && alltrue([for statement in jsondecode(data.aws_iam_policy_document.trust.json).Statement : statement.Principal.Service == "pods.eks.amazonaws.com" && length(statement.Condition.StringEquals) == 2])
    error_message = "Each account has a statement that demands its namespace and its name."
  }
}

run "input_that_would_lose_logs_or_open_them_is_refused" {
  command = plan

  variables {
    tiering                    = { storage_class = "GLACIER", days = 30 }
    tenant_retention_days      = { index = 30 }
    expiration_grace_days      = 0
    namespace_service_accounts = ["loki:*"]
    name_prefix                = "acme.loki"
    kms_key_arn                = "arn:aws:kms:eu-central-1:123456789012:alias/loki"
    tags                       = { component = "logs" }
  }

  expect_failures = [
    var.tiering, var.tenant_retention_days, var.expiration_grace_days, var.namespace_service_accounts, var.name_prefix, var.kms_key_arn, var.tags,
  ]
}

run "input_that_aws_or_loki_would_refuse_later_is_refused" {
  command = plan

  variables {
    tiering                 = { storage_class = "STANDARD_IA", days = 7 }
    tenant_retention_days   = { dev = 0 }
    noncurrent_version_days = 0
    oidc_provider_arn       = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
    cluster                 = "Ops"
    cost_center             = ""
  }

  expect_failures = [var.tiering, var.tenant_retention_days, var.noncurrent_version_days, var.oidc_provider_arn, var.cluster, var.cost_center]
}

run "more_of_the_kind" {
  command = plan

  variables {
    tiering               = { storage_class = "DEEP_ARCHIVE", days = 30 }
    tenant_retention_days = { "index/x" = 30 }
  }

  expect_failures = [var.tiering, var.tenant_retention_days]
}

run "tiering_that_serves_nobody_role_for_nobody_and_two_keys_are_refused" {
  command = plan

  variables {
    tiering           = { storage_class = "GLACIER_IR", days = 30 }
    oidc_provider_arn = null
    create_kms_key    = true
    kms_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "123456789012" }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.this, aws_iam_role.loki, aws_s3_bucket_server_side_encryption_configuration.this]
}
