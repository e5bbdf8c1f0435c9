from django.urls import path

from wallet.api import views

urlpatterns = [
    path("wallet", views.WalletViewSet.as_view({"get": "retrieve"})),
    path("wallet/buy", views.BuyViewSet.as_view({"post": "create"})),
    path("wallet/sell", views.SellViewSet.as_view({"post": "create"})),
    path("transactions", views.TransactionViewSet.as_view({"get": "list"})),
    path("transactions.csv", views.TransactionViewSet.as_view({"get": "export"})),
    path("transactions/<uuid:pk>", views.TransactionViewSet.as_view({"get": "retrieve"})),
    path("admin/gold-price", views.GoldPriceViewSet.as_view({"post": "create"})),
]
