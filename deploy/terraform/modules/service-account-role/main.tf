# A role for service accounts of one cluster, with one policy and nothing else: what lokiops' tools run with. (Loki's own role is part of loki-storage.)

locals {
  oidc_issuer = var.oidc_provider_arn == null ? null : replace(var.oidc_provider_arn, "/^.*:oidc-provider\\//", "")
  tags        = merge(var.tags, { component = "loki", cluster = var.cluster, cost-center = var.cost_center })
}

data "aws_iam_policy_document" "trust" {
  dynamic "statement" {
    for_each = var.oidc_provider_arn == null ? [] : [var.oidc_provider_arn]

    content {
      sid     = "ServiceAccounts"
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value]
      }

      # Both, and both exact: without the subject any pod of the cluster could take the role, without the audience any token of the issuer.
      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:sub"
        values   = [for account in var.namespace_service_accounts : "system:serviceaccount:${account}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }

  # A statement for each account: the namespace of one with the name of another must not fit.
  dynamic "statement" {
    for_each = var.pod_identity ? var.namespace_service_accounts : []

    content {
      sid     = "PodIdentity${statement.key}"
      actions = ["sts:AssumeRole", "sts:TagSession"]

      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [split(":", statement.value)[0]]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [split(":", statement.value)[1]]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags

  lifecycle {
    precondition {
      condition     = var.oidc_provider_arn != null || var.pod_identity
      error_message = "Nobody could use the role: give oidc_provider_arn (IRSA) or pod_identity = true."
    }
  }
}

resource "aws_iam_policy" "this" {
  name        = var.name
  description = var.description
  policy      = var.policy_json
  tags        = local.tags
}

resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.this.arn
}
